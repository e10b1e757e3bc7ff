import type { CredentialVaultError } from '../../core/model/errors.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { StoredVersion, VersionRef } from '../../core/ports/secret-backend.ts'
import { storageError } from './files/storage-error.ts'
import type { HeldKeyring } from './keys/held-keyring.ts'
import { findKeyPair, type StoreKeyring } from './keys/keyring.ts'
import { numberOf, type RecordHeader, type VerifiedRecord, verifyRecord } from './record.ts'
import { recordError } from './record-error.ts'
import type { RevisionListing, Revisions } from './revisions.ts'

/** A credential's newest revision. The next commit is based on `listing`. */
export type CurrentRecord = { readonly listing: RevisionListing } & (
  | { readonly kind: 'none' }
  /** `keyring` verified it, and holds the key of its box unless that is missing. */
  | { readonly kind: 'verified'; readonly record: VerifiedRecord; readonly keyring: StoreKeyring }
  /** A revocation emptied it and found no space for its mark. */
  | { readonly kind: 'emptied'; readonly revision: number; readonly at: Date }
  | { readonly kind: 'damaged'; readonly revision: number; readonly error: CredentialVaultError }
)

export interface CurrentRecords {
  find(id: string): Promise<CurrentRecord>
  /** Remembers a revision and the version that it holds, so that an older one is recognised later. */
  saw(id: string, revision: number, version?: string): void
  /** The newest revision that this process has seen. */
  last(id: string): SeenRevision | undefined
}

export interface SeenRevision {
  readonly revision: number
  /** Undefined for a revision without a readable header. */
  readonly version: string | undefined
}

const MOST_LOOKS = 20

/**
 * Finds newest records and remembers the highest revision of each credential, so that an older file that is restored while this process
 * runs is recognised. When the newest revision is damaged, an earlier one is never used instead.
 */
export function createCurrentRecords(revisions: Revisions, keys: HeldKeyring): CurrentRecords {
  const highest = new Map<string, SeenRevision>()
  const saw = (id: string, revision: number, version?: string) => {
    if (revision > (highest.get(id)?.revision ?? 0)) highest.set(id, { revision, version })
  }

  async function findOnce(id: string): Promise<CurrentRecord | undefined> {
    // Read before listing, since another call of this process may commit in between.
    const known = highest.get(id)?.revision ?? 0
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
    return verified(listing, file.bytes, path)
  }

  function verified(listing: RevisionListing, bytes: Buffer, path: string): CurrentRecord {
    const { id, newest } = listing
    const keyring = keys.forReading()
    try {
      const record = verifyRecord(bytes, { id, revision: newest, path }, keyring)
      if (record.header.kind !== 'purged' && !findKeyPair(keyring.sealKeys, record.header.sealKey))
        throw recordError('unknown_seal_key', path)
      saw(id, newest, record.header.version)
      return { kind: 'verified', listing, record, keyring }
    } catch (error) {
      if (!isCredentialVaultError(error)) throw error
      // A record of newer keys is no tampering if this process cannot read the newest keyring.
      const isOfUnknownKey = error.reason === 'unknown_writer' || error.reason === 'unknown_seal_key'
      return damaged(listing, (isOfUnknownKey ? keys.problem() : undefined) ?? error)
    }
  }

  return {
    saw,
    last: (id) => highest.get(id),
    async find(id) {
      for (let looks = 1; looks < MOST_LOOKS; looks += 1) {
        const current = await findOnce(id)
        if (!current) continue
        if (current.kind === 'none' || current.kind === 'verified') return current
        // Writers empty and free old revisions, so a second listing must confirm that this one is still the newest.
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

export function versionOf(header: Pick<RecordHeader, 'version' | 'revision' | 'number' | 'at'>): StoredVersion {
  return { ref: header.version as VersionRef, label: String(numberOf(header)), createdAt: new Date(header.at) }
}

export function emptiedVersion(revision: number, at: Date): StoredVersion {
  return { ref: `emptied-${revision}` as VersionRef, label: String(revision), createdAt: at }
}
