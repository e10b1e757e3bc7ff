import type { AccessContext } from '../core/credentials.ts'
import type { Owner } from '../core/owner.ts'
import type { CredentialValues, Variable } from '../core/variables.ts'

/** What the service itself says about values that were just typed. */
export type Verification =
  | { readonly ok: true; readonly accountName?: string }
  /** `problem` is shown to the user above the form, as text. */
  | { readonly ok: false; readonly problem: string }

/** What the form needs of a provider. */
export interface FormProvider {
  readonly name: string
  /** What users call the service. */
  readonly label: string
  readonly variables: readonly Variable[]
  /** Guide for the user in Markdown, written by the operator. Raw HTML in it is shown as text. */
  readonly doc: string | undefined
  /** Where the credential may be sent, for the user to read: origins, or the label of the field that names one. */
  readonly destinations: readonly string[]
  /** Tries the values against the service. Throws `unavailable` when it cannot be reached within its time. Absent where nothing is tried. */
  readonly verify: ((values: CredentialValues) => Promise<Verification>) | undefined
  /** Durable when it resolves. */
  save(
    owner: Owner,
    values: CredentialValues,
    context: AccessContext,
    /** Asked right before the value is written; rejects when it must not be any more. */
    mayWrite: () => Promise<void>,
  ): Promise<void>
}
