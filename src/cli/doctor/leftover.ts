import type { StorageKey } from '../../core/model/storage-key.ts'

/** Issuer of `doctor`'s probe records. */
export const DOCTOR_ISSUER = 'urn:mcp-credential-vault:doctor'

/** Explains a probe record that `doctor` could revoke but not remove. */
export function leftoverOf({ provider, owner: { issuer, subject } }: StorageKey): string {
  const remove = `mcp-credential-vault revoke ${provider} --issuer ${issuer} --subject ${subject} --purge`
  return `a revoked test record of "doctor" is left. Remove it as operator with: ${remove}`
}
