export declare function bringFromDebian(tool: {
  readonly command: string
  readonly flag: string
  readonly packages: readonly string[]
  readonly why: string
}): void
export declare function withAdministration(environment?: NodeJS.ProcessEnv): NodeJS.ProcessEnv
/** Whether the lists of packages were fetched. */
export declare function updateLists(): boolean
