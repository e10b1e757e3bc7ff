export declare function bringNode(versions: readonly string[]): Promise<[version: string, binary: string][]>
