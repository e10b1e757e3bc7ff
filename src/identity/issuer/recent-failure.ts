/** Milliseconds. Short enough not to delay users noticeably after an outage. */
const REMEMBERED = 1_000

/**
 * Wraps `work` so that it repeats a failure for a second without trying again. An attacker who can trigger requests, as with forged tokens,
 * must not control how many we send.
 */
export function withRecentFailure<T>(work: () => Promise<T>): () => Promise<T> {
  let failed: { readonly error: unknown; readonly until: number } | undefined
  return async () => {
    if (failed && performance.now() < failed.until) throw failed.error
    try {
      const result = await work()
      failed = undefined
      return result
    } catch (error) {
      failed = { error, until: performance.now() + REMEMBERED }
      throw error
    }
  }
}
