import type { KeyObject } from 'node:crypto'
import type { LogEvent } from '../line/log-events.ts'
import { listSegments, readSegmentEnds } from './segment-ends.ts'

const DAY = 24 * 3600 * 1000
/** So that one opened file is not held up by thousands of old ones; the next takes more. */
const MOST_AT_ONCE = 100

export type SegmentPurged = LogEvent & { readonly type: 'audit.segment_purged' }

/**
 * The segments whose last signed line is so many days old, oldest first. A writer that lives ends its segments every day, so a file of that
 * age is nobody's. Names and dates of files decide nothing: somebody else can set them.
 */
export async function expiredSegments(
  folder: string,
  { keepDays, keys, now }: { readonly keepDays: number; readonly keys: readonly KeyObject[]; readonly now: Date },
): Promise<readonly SegmentPurged[]> {
  const before = new Date(now.getTime() - keepDays * DAY).toISOString()
  const expired: SegmentPurged[] = []
  for (const name of await listSegments(folder)) {
    if (expired.length >= MOST_AT_ONCE || name.begun.toISOString() > before) break
    // Gone or unreadable: it is another's to remove.
    const ends = await readSegmentEnds(folder, name, keys).catch(() => undefined)
    if (!ends || ends.last.at > before) continue
    const { first, last } = ends
    const range = { first: first.seq, last: last.seq, link: last.link }
    expired.push({ type: 'audit.segment_purged', file: name.file, ...range, before })
  }
  return expired
}
