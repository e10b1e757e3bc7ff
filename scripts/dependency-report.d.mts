export interface Component {
  readonly name: string
  readonly version: string
  readonly licenses?: readonly { license?: { id?: string; name?: string }; expression?: string }[]
}

export declare function foreignLicences(components: readonly Component[]): string[]
export declare function judgeAdvisories(output: string): string | { notChecked: string }
