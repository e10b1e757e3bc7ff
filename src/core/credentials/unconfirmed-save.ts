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
  WriteIntent,
} from '../ports/secret-backend.ts'

/** A write that may be repeated. */
export interface SaveRequest {
  readonly key: StorageKey
  readonly values: CredentialValues
  readonly expect: Expectation
  readonly audit: AuditPosition
  readonly operationId: string
  readonly labels?: WriteIntent['labels']
  /** What was stored when `expect` was made of it. */
  readonly found?: WriteIntent['found']
  /** Called when the values are durable, and again for each further attempt. */
  readonly noteWritten?: (() => void) | undefined
}

/**
 * Looks up the outcome of a save whose answer was lost. Returns the stored version if it holds the saved values, else the expectation of a
 * second attempt, which overwrites only the version that the first one found. `expect` is undefined if no second attempt is safe.
 *
 * @param base the status that the first attempt found before it wrote
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
  // The revoked value may have been ours, and must not come back.
  const revokedSince = now?.status === 'revoked' && (base.status === 'absent' || base.version.ref !== now.version.ref)
  return { expect: revokedSince ? undefined : 'absent' }
}

/** Returns the stored credential, with its values if this process may read them, or undefined if it is malformed. */
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
