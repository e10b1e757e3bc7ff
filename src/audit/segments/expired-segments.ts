import type { KeyObject } from 'node:crypto'
import type { LogEvent } from '../line/log-events.ts'
import { listSegments, readSegmentEnds } from './segment-ends.ts'

const DAY = 24 * 3600 * 1000
/** Limits the time that opening a file takes. The next one removes more. */
const MOST_AT_ONCE = 100

export type SegmentPurged = LogEvent & { readonly type: 'audit.segment_purged' }

/**
 * Lists the segments whose last signed line is older than `keepDays`, oldest first. Running writers rotate daily, so a segment this old has
 * no writer. Names and dates of files decide nothing, because other users may be able to set them.
 */
export async function expiredSegments(
  folder: string,
  { keepDays, keys, now }: { readonly keepDays: number; readonly keys: readonly KeyObject[]; readonly now: Date },
): Promise<readonly SegmentPurged[]> {
  const before = new Date(now.getTime() - keepDays * DAY).toISOString()
  const expired: SegmentPurged[] = []
  for (const name of await listSegments(folder)) {
    if (expired.length >= MOST_AT_ONCE || name.begun.toISOString() > before) break
    // Another process removes it, or it cannot be read.
    const ends = await readSegmentEnds(folder, name, keys).catch(() => undefined)
    if (!ends || ends.last.at > before) continue
    const { first, last, key } = ends
    const range = { first: first.seq, last: last.seq, link: last.link }
    expired.push({ type: 'audit.segment_purged', file: name.file, ...range, before, key })
  }
  return expired
}
