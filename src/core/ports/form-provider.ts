import type { FieldProblem } from '../model/form-values.ts'
import type { CredentialValues, Variable } from '../model/variables.ts'
import type { AuditReason } from './audit-sink.ts'

/** What the service itself says about values that were just typed. */
export type Verification =
  | { readonly ok: true; readonly accountName?: string }
  /** `problem` is shown to the user above the form, as text. */
  | { readonly ok: false; readonly problem: string }

/** Why the service was not asked, or gave no answer that says anything about the values. */
export interface VerifyFailure {
  readonly ok: 'unknown'
  /** Stable token for the audit log. */
  readonly reason: AuditReason
  /** For the operator. Without any of the values. */
  readonly detail: string
  /** Whether it may work in a moment, without anybody doing anything. */
  readonly passing: boolean
  /** Fields that it failed over: what they hold cannot be sent. */
  readonly fields: ReadonlyMap<string, FieldProblem>
}

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
  /** What keeps values that fit the variables from being sent where they are to be sent, by the fields' names. */
  readonly fieldProblems?: (values: CredentialValues) => ReadonlyMap<string, FieldProblem>
  /**
   * Tries the values against the service. Resolves a {@link VerifyFailure} when it does not come to an answer. Absent where nothing is
   * tried.
   */
  readonly verify: ((values: CredentialValues) => Promise<Verification | VerifyFailure>) | undefined
}
