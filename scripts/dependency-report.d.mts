export interface Component {
  readonly name: string
  readonly version: string
  readonly licenses?: readonly { license?: { id?: string; name?: string }; expression?: string }[]
}

export interface Bill {
  readonly metadata: { readonly component: { readonly 'bom-ref': string } }
  readonly components: readonly (Component & {
    readonly 'bom-ref'?: string
    readonly externalReferences?: readonly { readonly url: string }[]
  })[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[]
}

export declare function billOf(name: string, installed: Bill): Bill
export declare function foreignLicences(components: readonly Component[]): string[]
export declare function judgeAdvisories(output: string): string | { notChecked: string }
