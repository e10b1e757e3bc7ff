import type { ExpiryPolicy } from '../model/expiry.ts'
import type { FieldProblem } from '../model/form-values.ts'
import type { CredentialValues, Variable } from '../model/variables.ts'
import type { AuditReason } from './audit-sink.ts'

/** The service's verdict on submitted values. */
export type Verification =
  | {
      readonly ok: true
      readonly accountName?: string
      /** When the values stop working, if the service tells. */
      readonly expiresAt?: Date
    }
  /** `problem` is shown to the user above the form, as text. */
  | { readonly ok: false; readonly problem: string }

/** The failure of a `verify`: the service was not asked, or its answer says nothing about the values. */
export interface VerifyFailure {
  readonly ok: 'unknown'
  /** Stable token for the audit log. */
  readonly reason: AuditReason
  /** For the operator. It contains none of the values. */
  readonly detail: string
  /** Whether a retry may work without any change. */
  readonly passing: boolean
  /** The fields that caused the failure, because their values cannot be sent. */
  readonly fields: ReadonlyMap<string, FieldProblem>
}

/** The part of a provider that the form uses. */
export interface FormProvider {
  readonly name: string
  /** The name of the service that users see, with the account if this is one of several: `Jira (work)`. */
  readonly label: string
  /** The name of the service alone: `Jira`. Default: `label`. */
  readonly service?: string
  readonly variables: readonly Variable[]
  /** Guide for the user in Markdown, written by the operator. Raw HTML in it is shown as text. */
  readonly doc: string | undefined
  /** Destinations of the credential as shown to the user: origins, or the label of the field that names one. */
  readonly destinations: readonly string[]
  /** The service's own page on which users see and delete their tokens. */
  readonly manageUrl?: string | undefined
  /** Problems by field name: values that cannot be sent in the destination's header. */
  readonly fieldProblems?: (values: CredentialValues) => ReadonlyMap<string, FieldProblem>
  /** Whether the owner may save values that the service could not be asked about. Default false. */
  readonly allowUnverified?: boolean
  /** The form's rules about the end of the credential. Undefined: there are none. */
  readonly expiry?: ExpiryPolicy | undefined
  /** Tries the values against the service. Resolves to a {@link VerifyFailure} if there is no verdict. Absent if values are not tried. */
  readonly verify: ((values: CredentialValues) => Promise<Verification | VerifyFailure>) | undefined
}
