import type { CredentialVaultError } from '../../core/model/errors.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { StoredVersion, VersionRef } from '../../core/ports/secret-backend.ts'
import type { Keyring } from './keyring.ts'
import { type RecordHeader, type VerifiedRecord, verifyRecord } from './record.ts'
import { recordError } from './record-error.ts'
import type { RevisionListing, Revisions } from './revisions.ts'
import { storageError } from './storage-error.ts'

/** What stands at a credential's newest revision. `listing` is what the next commit is based on. */
export type CurrentRecord = { readonly listing: RevisionListing } & (
  | { readonly kind: 'none' }
  | { readonly kind: 'verified'; readonly record: VerifiedRecord }
  /** Emptied by a revocation that found no space for its mark. */
  | { readonly kind: 'emptied'; readonly revision: number; readonly at: Date }
  | { readonly kind: 'damaged'; readonly revision: number; readonly error: CredentialVaultError }
)

export interface CurrentRecords {
  find(id: string): Promise<CurrentRecord>
  /** Remembers a revision, so that an older one is recognised from now on. */
  saw(id: string, revision: number): void
}

const MOST_LOOKS = 20

/**
 * Finds newest records and remembers how far each credential had come: an older file that is put back while this process runs is
 * recognised. A newest revision that is damaged never makes an earlier one count.
 */
export function createCurrentRecords(revisions: Revisions, keyring: Keyring): CurrentRecords {
  const highest = new Map<string, number>()
  const saw = (id: string, revision: number) => highest.set(id, Math.max(revision, highest.get(id) ?? 0))

  async function findOnce(id: string): Promise<CurrentRecord | undefined> {
    // Taken before looking, since another call of ours may commit in between.
    const known = highest.get(id) ?? 0
    const listing = await revisions.look(id)
    const { newest } = listing
    const path = revisions.path(id, newest === 0 ? known || '*' : newest)
    if (newest < known) {
      const error = recordError(newest === 0 ? 'deleted' : 'rolled_back', path)
      return { kind: 'damaged', listing, revision: known, error }
    }
    if (newest === 0) return { kind: 'none', listing }
    const file = await revisions.read(id, newest)
    if (file.kind === 'missing') return undefined
    if (file.kind === 'foreign') return damaged(listing, recordError('not_a_file', path))
    if (file.bytes.length === 0) {
      saw(id, newest)
      return { kind: 'emptied', listing, revision: newest, at: file.changedAt }
    }
    try {
      const record = verifyRecord(file.bytes, { id, revision: newest, path }, keyring)
      saw(id, newest)
      return { kind: 'verified', listing, record }
    } catch (error) {
      if (!isCredentialVaultError(error)) throw error
      return damaged(listing, error)
    }
  }

  return {
    saw,
    async find(id) {
      for (let looks = 1; looks < MOST_LOOKS; looks += 1) {
        const current = await findOnce(id)
        if (!current) continue
        if (current.kind === 'none' || current.kind === 'verified') return current
        // Writers empty and free old revisions: only what is still the newest at a second look is really so.
        const again = await revisions.look(id)
        if (again.newest === current.listing.newest) return current
      }
      throw storageError(undefined, revisions.path(id, '*'))
    },
  }
}

function damaged(listing: RevisionListing, error: CredentialVaultError): CurrentRecord {
  return { kind: 'damaged', listing, revision: listing.newest, error }
}

export function versionOf(header: Pick<RecordHeader, 'version' | 'revision' | 'at'>): StoredVersion {
  return { ref: header.version as VersionRef, label: String(header.revision), createdAt: new Date(header.at) }
}

export function emptiedVersion(revision: number, at: Date): StoredVersion {
  return { ref: `emptied-${revision}` as VersionRef, label: String(revision), createdAt: at }
}
