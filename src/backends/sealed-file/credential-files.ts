import { randomBytes } from 'node:crypto'
import { throwIfAborted } from '../../core/host/deadline.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { type StorageKey, storageKey } from '../../core/model/storage-key.ts'
import type { CredentialValues } from '../../core/model/variables.ts'
import type { AuditPosition } from '../../core/ports/audit-sink.ts'
import { checkExpectation } from '../../core/ports/expectation.ts'
import type {
  CredentialLookup,
  CredentialStatus,
  StoredCredential,
  StoredVersion,
  VersionLabels,
  WriteIntent,
} from '../../core/ports/secret-backend.ts'
import { type CurrentRecord, type CurrentRecords, emptiedVersion, versionOf } from './current-record.ts'
import { MAX_FILE_BYTES } from './files/durable-file.ts'
import type { HeldKeyring } from './keys/held-keyring.ts'
import { findKeyPair } from './keys/keyring.ts'
import { encodeRecord, type NewHeader, openRecord, type RecordKind, type RecordPayload } from './record.ts'
import { recordError } from './record-error.ts'
import { recordId } from './record-id.ts'
import { createRejectionFiles, type RejectionFiles } from './rejection-files.ts'
import { MAX_REVISION, type Revisions } from './revisions.ts'

/** Ids that are cached, since each tool call needs its own several times. */
const MAX_REMEMBERED = 10_000

/** The credentials of one opened store, with the semantics of {@link SecretBackend}. */
export interface CredentialFiles {
  find(key: StorageKey): Promise<CurrentRecord>
  isCurrent(key: StorageKey, version: StoredVersion): boolean
  read(key: StorageKey): Promise<CredentialLookup>
  /** Opens the box too, for the labels and field names in it, in a process that can. */
  stat(key: StorageKey): Promise<CredentialStatus>
  readonly rejections: RejectionFiles
  write(key: StorageKey, values: CredentialValues, intent: WriteIntent, signal: AbortSignal): Promise<StoredVersion>
  /** Commits the revision after the one that was found. Returns undefined when another writer was first. */
  commit(found: CurrentRecord, next: NextRevision, signal?: AbortSignal): Promise<StoredVersion | undefined>
  /** Yields every credential that was not purged. If some cannot be read, throws after the last one. */
  all(signal: AbortSignal): AsyncIterable<StoredCredential>
  path(key: StorageKey): string
}

export interface NextRevision {
  readonly kind: RecordKind
  readonly key: StorageKey
  readonly values?: CredentialValues
  readonly labels?: WriteIntent['labels']
  readonly operationId: string
  readonly audit?: AuditPosition | undefined
}

export interface CredentialFilesParts {
  readonly keys: HeldKeyring
  readonly revisions: Revisions
  readonly records: CurrentRecords
  readonly warn: (message: string) => void
}

export function createCredentialFiles({ keys, revisions, records, warn }: CredentialFilesParts): CredentialFiles {
  const { indexKey } = keys.forReading()
  const known = new Map<string, string>()
  const idOf = (key: StorageKey) => {
    const id = known.get(key.path) ?? recordId(indexKey, key.provider, key.owner)
    if (known.size >= MAX_REMEMBERED) known.clear()
    known.set(key.path, id)
    return id
  }
  const find = (key: StorageKey) => records.find(idOf(key))

  const commit: CredentialFiles['commit'] = async (found, next, signal) => {
    const { kind, key, values, labels, operationId, audit } = next
    const { id } = found.listing
    const revision = revisionOf(found) + 1
    if (revision > MAX_REVISION) throw recordError('numbering', revisions.path(id, MAX_REVISION))
    const header: NewHeader = {
      id,
      revision,
      kind,
      version: randomBytes(12).toString('base64url'),
      at: Date.now(),
      operation: operationId,
      ...(audit && { audit: { writer: audit.writer, seq: audit.seq } }),
    }
    const payload = { provider: key.provider, owner: key.owner, values, labels }
    const bytes = encodeRecord(header, payload, keys.forWriting())
    if (bytes.length > MAX_FILE_BYTES) throw tooLarge()
    if (!(await revisions.commit(found.listing, header.revision, bytes, signal))) return undefined
    records.saw(id, header.revision, header.version)
    return versionOf(header)
  }

  const rejections = createRejectionFiles({ keys, revisions, find, warn })

  async function labelsOf(
    found: CurrentRecord,
    { labels }: Pick<RecordPayload, 'labels'>,
  ): Promise<{ readonly labels?: VersionLabels }> {
    const rejectedAt = await rejections.at(found)
    const all = { ...labels, ...(rejectedAt && { rejectedAt }) }
    return Object.keys(all).length > 0 ? { labels: all } : {}
  }

  async function read(key: StorageKey, found: CurrentRecord): Promise<CredentialLookup> {
    const status = statusOf(found)
    if (status.status !== 'active') return status
    if (found.kind !== 'verified') throw recordError('swapped', revisions.path(idOf(key), revisionOf(found)))
    const payload = openRecord(found.record, found.keyring)
    const { provider, owner, values } = payload
    const same = provider === key.provider && owner.issuer === key.owner.issuer && owner.subject === key.owner.subject
    if (!same || !values) throw recordError('swapped', found.record.path)
    return { ...status, values, ...(await labelsOf(found, payload)) }
  }

  return {
    find,
    read: async (key) => read(key, await find(key)),
    commit,
    rejections,
    path: (key) => revisions.path(idOf(key), '*'),

    isCurrent(key, version) {
      const id = idOf(key)
      const last = records.last(id)
      if (last?.version !== version.ref || !revisions.isNewest(id, last.revision)) return false
      // Another process may have marked this version meanwhile.
      return !revisions.marks.exists(id, Number(version.label))
    },

    async stat(key) {
      const current = await find(key)
      if (!canOpen(current)) return { ...statusOf(current), ...(await labelsOf(current, {})) }
      const found = await read(key, current)
      if (found.status !== 'active') return found
      const { values, ...status } = found
      return { ...status, fields: Object.keys(values) }
    },

    async write(key, values, { expect, ...announced }, signal) {
      for (;;) {
        throwIfAborted(signal)
        const found = await find(key)
        const status = statusOf(found)
        if (status.status === 'active' && wasMadeBy(found, announced.operationId)) {
          await revisions.settle(found.listing.id)
          return status.version
        }
        checkExpectation(expect, status)
        const version = await commit(found, { kind: 'active', key, values, ...announced }, signal)
        if (!version) continue
        await revisions.prune(found.listing)
        return version
      }
    },

    async *all(signal) {
      let first: unknown
      for await (const id of revisions.ids()) {
        throwIfAborted(signal)
        try {
          const found = await records.find(id)
          if (found.kind === 'emptied')
            warn(`${revisions.path(id, found.revision)} is revoked and no longer says whose it was.`)
          const status = statusOf(found)
          if (found.kind !== 'verified' || status.status === 'absent') continue
          const payload = openRecord(found.record, found.keyring)
          const { provider, owner, values } = payload
          const { audit } = found.record.header
          yield {
            key: storageKey(provider, owner),
            status:
              status.status === 'active'
                ? { ...status, fields: Object.keys(values ?? {}), ...(await labelsOf(found, payload)) }
                : status,
            ...(audit && { audit }),
          }
        } catch (error) {
          first ??= error
        }
      }
      if (first !== undefined) throw first
    },
  }
}

/** @throws the record's error when it is damaged */
export function statusOf(found: CurrentRecord): CredentialStatus {
  switch (found.kind) {
    case 'damaged':
      throw found.error
    case 'none':
      return { status: 'absent' }
    case 'emptied':
      return { status: 'revoked', version: emptiedVersion(found.revision, found.at) }
    case 'verified': {
      const { header } = found.record
      return header.kind === 'purged' ? { status: 'absent' } : { status: header.kind, version: versionOf(header) }
    }
  }
}

/** Whether this process has the key of the record's box. The form tier has none, and knows what header and mark say. */
function canOpen(found: CurrentRecord): boolean {
  if (found.kind !== 'verified') return true
  return findKeyPair(found.keyring.sealKeys, found.record.header.sealKey)?.privateKey !== undefined
}

/** Whether an earlier attempt of the same operation succeeded and its answer was lost. */
export function wasMadeBy(found: CurrentRecord, operationId: string): boolean {
  return found.kind === 'verified' && found.record.header.operation === operationId
}

function revisionOf(found: CurrentRecord): number {
  return found.kind === 'damaged' ? found.revision : found.listing.newest
}

function tooLarge(): CredentialVaultError {
  return new CredentialVaultError('unsupported', 'The credential is larger than the sealed file can hold.', {
    reason: 'too_large',
  })
}
