import { parseSegmentName } from '../segments/segment-name.ts'
import type { Authority } from './authority.ts'
import { isLaundered, type Purge } from './key-changes.ts'
import type { KnownHead } from './known-heads.ts'
import type { Gap, WriterVerdict } from './verify-writer.ts'

/** Tells why lines are missing from the log, by its own lines as far as the keys that signed them count. */
export interface Explanations {
  /** Removed files; the ones whose removal excuses nothing are in `laundered`. */
  readonly purged: readonly Purge[]
  readonly laundered: readonly Purge[]
  /** Where chains ended that could not be written any more. */
  readonly failed: ReadonlyMap<string, KnownHead>
  /** RFC 3339. Lines older than that may have been removed. */
  readonly removedBefore: string | undefined
  /** Whether the lines up to this head may be missing: their file expired, or their batch was never acknowledged. */
  explain(head: KnownHead): boolean
  explainGap(verdict: WriterVerdict, gap: Gap): boolean
}

/** @param recorded every head that the log and the anchors name */
export function explanationsOf(
  authority: Authority,
  writers: ReadonlyMap<string, WriterVerdict>,
  recorded: readonly KnownHead[],
): Explanations {
  const { current, retirements, mayExcuse } = authority
  const removals = authority.lines.flatMap(({ by, line }) =>
    line.type === 'audit.segment_purged' ? [{ by, purge: line, before: earliest(line.before, line.at) }] : [],
  )
  const excusing = removals.filter(({ by, purge }) => !isLaundered(purge, by, retirements))
  const failed = failedWriters(authority, writers)
  const currentBegan = beginningOf(current, writers, recorded)
  // Files that another key removed are older than all that the current key signed.
  const limits = excusing.map(({ by, before }) => (by === current ? before : earliest(before, currentBegan)))
  return {
    purged: excusing.map(({ purge }) => purge),
    laundered: removals.flatMap(({ by, purge }) => (isLaundered(purge, by, retirements) ? [purge] : [])),
    failed,
    removedBefore: limits.sort().at(-1),
    explain(head) {
      const { writer, seq, at, key } = head
      const failure = failed.get(writer)
      if (failure?.key === key && seq > failure.seq) return true
      return excusing.some(({ by, purge, before }) => {
        if (!mayExcuse(by, head)) return false
        // A head seen before that time belongs to an expired file. The line that recorded its removal may have expired too.
        if (at <= before) return true
        const { file, first, last } = purge
        const isOfKey = (purge.key ?? key) === key
        return isOfKey && at <= purge.at && isOfWriter(file, writer) && seq >= first && seq <= last
      })
    },
    explainGap: ({ writer, key = '' }, { before }) =>
      excusing.some(
        ({ by, purge: { file, last, link, ...purge } }) =>
          (by === current || key !== current) &&
          (purge.key ?? key) === key &&
          isOfWriter(file, writer) &&
          last === before.seq &&
          link === before.link,
      ),
  }
}

/** The process whose file fails begins the next chain, so both have one key. */
function failedWriters(
  { lines }: Authority,
  writers: ReadonlyMap<string, WriterVerdict>,
): ReadonlyMap<string, KnownHead> {
  const failed = new Map<string, KnownHead>()
  for (const { by, writer: after, line } of lines) {
    if (line.type !== 'audit.writer_failed' || (writers.get(line.failedWriter)?.key ?? by) !== by) continue
    const { failedWriter: writer, lastSeq: seq, head: hash, at } = line
    failed.set(writer, { writer, seq, hash, at, key: by, recordedBy: by, source: `writer ${after}, which took over,` })
  }
  return failed
}

/** The earliest time at which the current key is known to have signed. */
function beginningOf(
  current: string | undefined,
  writers: ReadonlyMap<string, WriterVerdict>,
  recorded: readonly KnownHead[],
): string | undefined {
  const files = [...writers.values()].flatMap(({ segments }) => segments.map(({ verdict }) => verdict))
  const begun = files.flatMap(({ signer, firstAt }) => (signer === current && firstAt !== undefined ? [firstAt] : []))
  const seen = recorded.filter(({ key, recordedBy }) => key === current && recordedBy === current).map(({ at }) => at)
  return [...begun, ...seen].sort()[0]
}

function earliest(time: string, limit: string | undefined): string {
  return limit !== undefined && limit < time ? limit : time
}

function isOfWriter(file: string, writer: string): boolean {
  return parseSegmentName(file)?.writer === writer
}
