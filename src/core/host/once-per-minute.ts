import { BoundedMap } from './bounded-map.ts'

const MINUTE = 60_000
const MAX_REMEMBERED = 1_000

/**
 * Returns a function that is true the first time it is asked about a subject, and again a minute after it was last true. It remembers
 * the newest 1000 subjects.
 */
export function oncePerMinute(): (subject: string) => boolean {
  const reportedAt = new BoundedMap<string, number>(MAX_REMEMBERED)
  return (subject) => {
    const now = performance.now()
    const last = reportedAt.get(subject)
    if (last !== undefined && now - last < MINUTE) return false
    reportedAt.set(subject, now)
    return true
  }
}
