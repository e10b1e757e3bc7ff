export declare function bringPython(): Promise<string>
