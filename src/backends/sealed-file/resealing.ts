import { throwIfAborted } from '../../core/host/deadline.ts'
import type { ResealProgress, ResealReport } from '../../core/ports/store-keys.ts'
import type { CurrentRecord, CurrentRecords } from './current-record.ts'
import type { HeldKeyring } from './keys/held-keyring.ts'
import type { StoreKeyring } from './keys/keyring.ts'
import { encodeRecord, headerOf, numberOf, openRecord, type RecordHeader } from './record.ts'
import { recordError } from './record-error.ts'
import type { RejectionFiles } from './rejection-files.ts'
import { MAX_REVISION, type Revisions } from './revisions.ts'

export interface ResealingParts {
  readonly keys: HeldKeyring
  readonly records: CurrentRecords
  readonly revisions: Revisions
  readonly rejections: RejectionFiles
}

export interface ResealingRequest {
  readonly dryRun: boolean
  readonly signal: AbortSignal
  readonly onProgress: (progress: ResealProgress) => void
}

type Verified = Extract<CurrentRecord, { kind: 'verified' }>

/** Records that are rewritten at the same time. Most of the time is spent waiting for the disk. */
const LANES = 4

/**
 * Rewrites every record that is not under the newest keys. Each is committed like a save, so that a save at the same time wins or is
 * rewritten itself. A rewritten record holds the same version: its name, number, time, operation and audit line stay, so that caches, marks,
 * forms and audit lines that know the version stay valid. Earlier revisions under old keys are emptied.
 *
 * It keeps no state besides the records. After `kill -9` the next run finishes what is left.
 */
export async function reseal(parts: ResealingParts, options: ResealingRequest): Promise<ResealReport> {
  const ids: string[] = []
  for await (const id of parts.revisions.ids()) ids.push(id)
  const counts = { resealed: 0, upToDate: 0, emptied: 0 }
  const damaged: string[] = []
  let done = 0

  async function work(): Promise<void> {
    for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
      throwIfAborted(options.signal)
      const result = await resealOne(parts, id, options)
      if (result === 'damaged') damaged.push(parts.revisions.path(id, '*'))
      else counts[result] += 1
      done += 1
      options.onProgress({ done, total })
    }
  }

  const total = ids.length
  const lanes = await Promise.allSettled(Array.from({ length: LANES }, work))
  for (const lane of lanes) if (lane.status === 'rejected') throw lane.reason
  return { total, ...counts, damaged }
}

async function resealOne(
  parts: ResealingParts,
  id: string,
  { dryRun, signal }: ResealingRequest,
): Promise<'resealed' | 'upToDate' | 'emptied' | 'damaged'> {
  const { records, revisions, keys } = parts
  for (;;) {
    throwIfAborted(signal)
    const found = await records.find(id)
    if (found.kind === 'damaged') return 'damaged'
    if (found.kind !== 'verified') return 'emptied'
    const keyring = keys.forWriting()
    if (isUnder(keyring, found.record.header)) {
      if (!dryRun) await emptyOldRevisions(revisions, found, keyring)
      return 'upToDate'
    }
    if (dryRun || (await rewrite(parts, found, keyring))) return 'resealed'
  }
}

/** Resolves to false when another writer was first. */
async function rewrite(
  { records, revisions, rejections }: ResealingParts,
  found: Verified,
  keyring: StoreKeyring,
): Promise<boolean> {
  const { listing, record } = found
  const { header } = record
  // Nobody can open a purged record, which has no box.
  const payload = header.kind === 'purged' ? NO_PAYLOAD : openRecord(record, found.keyring)
  // Before the record, since a mark is read with any key of the keyring, but old keys are removed once no record needs them.
  await rejections.renew(found)
  const revision = header.revision + 1
  if (revision > MAX_REVISION) throw recordError('numbering', record.path)
  const next = { ...header, revision, number: numberOf(header) }
  if (!(await revisions.commit(listing, revision, encodeRecord(next, payload, keyring)))) return false
  records.saw(header.id, revision, header.version)
  await revisions.shred(header.id, listing.revisions)
  await revisions.prune({ ...listing, marks: listing.marks.filter((number) => number !== numberOf(header)) })
  return true
}

const NO_PAYLOAD = { provider: '', owner: { issuer: '', subject: '' } }

/** A save keeps its predecessor, and a killed run may have rewritten a record without emptying the old revision. */
async function emptyOldRevisions(
  revisions: Revisions,
  { listing, record }: Verified,
  keyring: StoreKeyring,
): Promise<void> {
  if (keyring.sealKeys.length === 1 && keyring.retired.length === 0) return
  for (const revision of listing.revisions.slice(0, -1)) {
    const file = await revisions.read(listing.id, revision)
    if (file.kind !== 'bytes' || file.bytes.length === 0) continue
    const header = headerOf(file.bytes)
    if (!header || !isUnder(keyring, header)) await revisions.shred(record.header.id, [revision])
  }
}

function isUnder(
  { sealKeys: [seal], signKeys: [sign] }: StoreKeyring,
  header: Pick<RecordHeader, 'sealKey' | 'signKey'>,
) {
  return header.sealKey === seal.id && header.signKey === sign.id
}
