import { isDeepStrictEqual } from 'node:util'
import { isCredentialVaultError } from '../model/errors.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { CredentialValues } from '../model/variables.ts'
import type { AuditPosition } from '../ports/audit-sink.ts'
import type {
  BackendCall,
  CredentialLookup,
  CredentialStatus,
  Expectation,
  StoredVersion,
  WritableBackend,
} from '../ports/secret-backend.ts'

/** What is to be saved. */
export interface SaveRequest {
  readonly key: StorageKey
  readonly values: CredentialValues
  readonly expect: Expectation
  readonly audit: AuditPosition
  readonly operationId: string
}

/**
 * After a save whose answer was lost: the stored version when it is what was to be saved, else what a second attempt has to expect, so
 * that it overwrites nothing but what the first one found. `expect` is undefined when there is nothing safe to do.
 *
 * @param base what the first attempt found before it wrote
 */
export async function expectAgain(
  backend: WritableBackend,
  { key, values, expect }: SaveRequest,
  base: CredentialStatus | undefined,
  call: BackendCall,
): Promise<{ readonly stored: StoredVersion } | { readonly expect: Expectation | undefined }> {
  const now = await look(backend, key, call)
  if (now?.status === 'active' && 'values' in now && isDeepStrictEqual({ ...now.values }, { ...values }))
    return { stored: now.version }
  if (!base) return { expect: expect === 'any' ? undefined : expect }
  if (base.status === 'active') return { expect: { version: base.version.ref } }
  // Revoked since: it may have been our value, and is not to come back.
  const revokedSince = now?.status === 'revoked' && (base.status === 'absent' || base.version.ref !== now.version.ref)
  return { expect: revokedSince ? undefined : 'absent' }
}

/** What is stored now, with its values where this process may see them; undefined for what is no credential. */
async function look(
  backend: WritableBackend,
  key: SaveRequest['key'],
  call: BackendCall,
): Promise<CredentialLookup | CredentialStatus | undefined> {
  if (!backend.read) return backend.stat(key, call)
  try {
    return await backend.read(key, call)
  } catch (error) {
    if (isCredentialVaultError(error, 'credential_malformed')) return undefined
    if (isCredentialVaultError(error, 'forbidden')) return backend.stat(key, call)
    throw error
  }
}
