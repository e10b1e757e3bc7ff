import type { KeyObject } from 'node:crypto'
import { publicKeyText } from '../line/audit-keys.ts'
import type { FoundHead } from '../line/log-events.ts'
import { isMissing, listSegments, readSegmentEnds } from './segment-ends.ts'
import type { SegmentName } from './segment-name.ts'

export interface HeadsOfSegments {
  /** Number of segments in the folder. */
  readonly segments: number
  /** Ends of the newest ones. */
  readonly heads: readonly FoundHead[]
}

const MOST_HEADS = 64
/** Files that are read. The folder may hold many that only look like the log's. */
const MOST_LOOKED_AT = 512
const AN_HOUR = 3_600_000

/** Lists the signed heads of other chains, for the first line of a new one; an unsigned head could be forged. The first key is the new chain's. */
export async function headsOfSegments(
  folder: string,
  keys: readonly KeyObject[],
  warn: (message: string) => void,
): Promise<HeadsOfSegments> {
  const segments = await listSegments(folder)
  const heads: FoundHead[] = []
  const [own] = keys.map(publicKeyText)
  for (const name of newestOfEachWriter(segments).slice(0, MOST_LOOKED_AT)) {
    if (heads.length >= MOST_HEADS) break
    try {
      const ends = await readSegmentEnds(folder, name, keys)
      if (!ends) continue
      const { seq, hash, at } = ends.last
      const signer = ends.key === own ? {} : { key: ends.key }
      heads.push({ file: name.file, writer: name.writer, seq, hash, at, ...signer })
    } catch (error) {
      if (!isMissing(error))
        warn(`The audit log ${name.file} cannot be read by this process, so its end is not recorded.`)
    }
  }
  return { segments: segments.length, heads }
}

/** Lists where each chain signed with this key ends. There is no limit, because a chain that is not listed counts as forged afterwards. */
export async function headsSignedBy(folder: string, key: KeyObject): Promise<readonly FoundHead[]> {
  const found = new Map<string, FoundHead>()
  for (const { file, writer, ...name } of [...(await listSegments(folder))].reverse()) {
    const ends = await readSegmentEnds(folder, { file, writer, ...name }, [key]).catch((error: unknown) => {
      if (isMissing(error)) return undefined
      throw error
    })
    const known = found.get(writer)
    if (!ends || (known && known.seq >= ends.last.seq)) continue
    found.set(writer, { file, writer, seq: ends.last.seq, hash: ends.last.hash, at: ends.last.at })
  }
  return [...found.values()]
}

/** Sorts newest first and leaves out names that lie in the future. */
function newestOfEachWriter(segments: readonly SegmentName[]): readonly SegmentName[] {
  const latest = Date.now() + AN_HOUR
  const newest = new Map<string, SegmentName>()
  for (const name of segments) if (name.begun.getTime() <= latest) newest.set(name.writer, name)
  return [...newest.values()].sort((a, b) => b.begun.getTime() - a.begun.getTime())
}
