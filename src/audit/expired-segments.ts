import type { LogEvent } from './log-events.ts'
import { listSegments, readSegmentEnds } from './segment-ends.ts'

const DAY = 24 * 3600 * 1000
/** So that one opened file is not held up by thousands of old ones; the next takes more. */
const MOST_AT_ONCE = 100

/**
 * The segments that nobody has written to for so many days, oldest first. A writer that lives ends its segments every day, so a file of
 * that age is nobody's.
 */
export async function expiredSegments(
  folder: string,
  keepDays: number,
  now: Date,
): Promise<readonly (LogEvent & { readonly type: 'audit.segment_purged' })[]> {
  const expired: (LogEvent & { readonly type: 'audit.segment_purged' })[] = []
  for (const { file, begun } of await listSegments(folder)) {
    if (expired.length >= MOST_AT_ONCE || now.getTime() - begun.getTime() <= keepDays * DAY) break
    const ends = await readSegmentEnds(folder, file)
    if (!ends || now.getTime() - ends.changedAt.getTime() <= keepDays * DAY) continue
    const { first, last } = ends
    expired.push({ type: 'audit.segment_purged', file, first: first.seq, last: last.seq, link: last.link })
  }
  return expired
}
