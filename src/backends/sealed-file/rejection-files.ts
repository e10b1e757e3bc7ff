import { oncePerMinute } from '../../core/host/once-per-minute.ts'
import type { StorageKey } from '../../core/model/storage-key.ts'
import type { StoredVersion } from '../../core/ports/secret-backend.ts'
import type { CurrentRecord } from './current-record.ts'
import type { HeldKeyring } from './keys/held-keyring.ts'
import { numberOf, type RecordHeader } from './record.ts'
import { encodeMark, openMark } from './rejection-mark.ts'
import type { Revisions } from './revisions.ts'

/** Marks versions that their service has rejected. No mark changes or hides a record. */
export interface RejectionFiles {
  /** When the newest version was rejected. A mark that cannot be read or is forged counts as none, with a warning. */
  at(found: CurrentRecord): Promise<Date | undefined>
  /** Marks this version, or removes its mark. Resolves to false if another version is the newest. */
  set(key: StorageKey, version: StoredVersion, rejectedAt: Date | undefined): Promise<boolean>
  /** Signs the mark of this version again, with the newest key. A mark that is removed at the same time stays removed. */
  renew(found: CurrentRecord): Promise<void>
}

export interface RejectionFilesParts {
  readonly keys: HeldKeyring
  readonly revisions: Pick<Revisions, 'marks'>
  readonly find: (key: StorageKey) => Promise<CurrentRecord>
  readonly warn: (message: string) => void
}

export function createRejectionFiles({ keys, revisions: { marks }, find, warn }: RejectionFilesParts): RejectionFiles {
  const isNews = oncePerMinute()

  function ignored(path: string): undefined {
    if (!isNews(path)) return
    warn(
      `${path} is not a valid mark of a rejected credential and is ignored. Find out who can write there, and remove the file.`,
    )
  }

  async function markOf(header: RecordHeader): Promise<Date | undefined> {
    const { id } = header
    const path = marks.path(id, numberOf(header))
    const file = await marks.read(id, numberOf(header)).catch(() => undefined)
    if (file?.kind === 'missing') return undefined
    return (file?.kind === 'bytes' ? openMark(file.bytes, header, keys.forReading()) : undefined) ?? ignored(path)
  }

  async function at(found: CurrentRecord): Promise<Date | undefined> {
    const header = activeHeader(found)
    return header && found.listing.marks.includes(numberOf(header)) ? markOf(header) : undefined
  }

  return {
    at,

    async set(key, version, rejectedAt) {
      const header = activeHeader(await find(key))
      if (header?.version !== version.ref) return false
      const { id } = header
      if (rejectedAt) await marks.write(id, numberOf(header), encodeMark(header, rejectedAt, keys.forWriting()))
      else await marks.remove(id, numberOf(header))
      // A save or revocation may have finished meanwhile. Its version has no mark, and this one's is of no use any more.
      if (activeHeader(await find(key))?.version === version.ref) return true
      await marks.remove(id, numberOf(header))
      return false
    },

    async renew(found) {
      const header = activeHeader(found)
      if (!header) return
      await marks.change(header.id, numberOf(header), (bytes) => {
        const rejectedAt = openMark(bytes, header, keys.forReading())
        return rejectedAt && encodeMark(header, rejectedAt, keys.forWriting())
      })
    },
  }
}

function activeHeader(found: CurrentRecord): RecordHeader | undefined {
  return found.kind === 'verified' && found.record.header.kind === 'active' ? found.record.header : undefined
}
