import type { CredentialValues } from '../../core/model/variables.ts'
import type { WriteIntent } from '../../core/ports/secret-backend.ts'

/** Returns the intent with the field names that its labels get: those that the caller gave, or else those of the values. */
export function withFieldNames(
  intent: WriteIntent,
  values: CredentialValues,
): WriteIntent & { readonly fields: readonly string[] } {
  return { ...intent, fields: intent.fields ?? Object.keys(values) }
}
