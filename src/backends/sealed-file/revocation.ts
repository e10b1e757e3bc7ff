import { throwIfAborted } from '../../core/host/deadline.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import type { StorageKey } from '../../core/model/storage-key.ts'
import { checkExpectation } from '../../core/ports/expectation.ts'
import type { RevokeIntent, StoredVersion } from '../../core/ports/secret-backend.ts'
import { type CredentialFiles, type NextRevision, statusOf, wasMadeBy } from './credential-files.ts'
import type { CurrentRecord } from './current-record.ts'
import { storageError } from './files/storage-error.ts'
import type { Revisions } from './revisions.ts'

/**
 * Commits a signed mark as the newest revision and durably empties every revision below it. A damaged record can be revoked too, unless the
 * caller expects a certain version. Resolves to false when there was nothing to revoke.
 */
export async function revoke(
  files: CredentialFiles,
  revisions: Revisions,
  key: StorageKey,
  intent: RevokeIntent,
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    throwIfAborted(signal)
    const found = await files.find(key)
    const { id } = found.listing
    const mark = intent.purge ? 'purged' : 'revoked'
    if (found.kind !== 'damaged' || intent.expect !== 'any') {
      const status = statusOf(found)
      if (status.status === 'absent' || (status.status === 'revoked' && !intent.purge)) {
        // An earlier attempt may have been killed after its mark.
        await revisions.shred(id, found.listing.revisions.slice(0, -1))
        if (found.kind !== 'none') await revisions.settle(id)
        return wasMadeBy(found, intent.operationId)
      }
      checkExpectation(intent.expect, status)
    }
    const version = await commitMark(
      files,
      revisions,
      found,
      { kind: mark, key, operationId: intent.operationId },
      signal,
    )
    if (version === 'taken') continue
    await revisions.shred(id, found.listing.revisions)
    await revisions.prune(found.listing)
    return true
  }
}

/**
 * Revokes on a full disk, which has no space for a mark until the values are emptied. An emptied newest revision already reads as revoked;
 * only a purge needs the mark afterwards.
 */
async function commitMark(
  files: CredentialFiles,
  revisions: Revisions,
  found: CurrentRecord,
  next: NextRevision,
  signal: AbortSignal,
): Promise<StoredVersion | 'taken' | 'emptied'> {
  const { id, revisions: existing } = found.listing
  const shredFirst = [[], existing.slice(0, -1), existing.slice(-1)]
  for (const doomed of shredFirst) {
    await revisions.shred(id, doomed)
    try {
      return (await files.commit(found, next, signal)) ?? 'taken'
    } catch (error) {
      if (storageError(error, id).reason !== 'disk_full') throw error
    }
  }
  if (next.kind === 'revoked' && existing.length > 0) return 'emptied'
  throw new CredentialVaultError(
    'unavailable',
    'The disk is full. The values are destroyed and the credential reads as revoked; free some space and purge it again.',
    { reason: 'disk_full' },
  )
}
