export declare function bringInspector(): Promise<string>
