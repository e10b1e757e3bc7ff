export declare function usedModules(root: string): Set<string>
export declare function usedTemplates(root: string): Set<string>
export declare function documents(root: string): string[]
export declare function judgePacked(root: string, packed: readonly string[]): { unused: string[]; missing: string[] }
