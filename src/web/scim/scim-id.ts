import { canonicalBase64url } from '../../core/crypto/base64url.ts'
import { decrypt, encryptAlike } from '../../core/crypto/sodium.ts'
import type { ScimSealer, ScimTenant } from '../admin/admin-parts.ts'

/**
 * Seals a subject into the `id` of a SCIM user. Nothing is stored, so the id itself has to say whom it names, and the same user always gets
 * the same id (RFC 7643 §3.1), until the web key changes. It is sealed with its tenant's own key: for another tenant, or with a bit
 * changed, it does not open.
 */
export function scimId(sealer: ScimSealer, { issuer }: Pick<ScimTenant, 'issuer'>, subject: string): string {
  const key = sealer.mac('scim-id', 'key', issuer)
  // The nonce depends on what is sealed, so that no nonce serves two subjects.
  const nonce = sealer.mac('scim-id', 'nonce', issuer, subject)
  return Buffer.from(encryptAlike(key, Buffer.from(subject), CONTEXT, nonce)).toString('base64url')
}

/** Returns the subject, or undefined if this tenant was not given this id. */
export function subjectOfId(
  sealer: ScimSealer,
  { issuer }: Pick<ScimTenant, 'issuer'>,
  id: string,
): string | undefined {
  if (id.length > MAX_ID_LENGTH) return undefined
  // Another spelling of the same bytes would be a second id.
  const sealed = canonicalBase64url(id)
  if (!sealed) return undefined
  const keys = sealer.macs('scim-id', 'key', issuer)
  const [opened] = keys.flatMap((key) => decrypt(key, sealed, CONTEXT) ?? [])
  return opened && Buffer.from(opened).toString('utf8')
}

const CONTEXT = Buffer.from('scim user')
const MAX_ID_LENGTH = 2048
