const MINUTE = 60_000
const MAX_REMEMBERED = 1_000

/**
 * Returns a function that is true the first time it is asked about a subject, and again a minute after it was last true. It remembers
 * the newest 1000 subjects.
 */
export function oncePerMinute(): (subject: string) => boolean {
  const reportedAt = new Map<string, number>()
  return (subject) => {
    const now = performance.now()
    const last = reportedAt.get(subject)
    if (last !== undefined && now - last < MINUTE) return false
    reportedAt.delete(subject)
    const [oldest] = reportedAt.keys()
    if (reportedAt.size >= MAX_REMEMBERED && oldest !== undefined) reportedAt.delete(oldest)
    reportedAt.set(subject, now)
    return true
  }
}
