/** Milliseconds. Short enough that nobody waits for it once the other side works again. */
const REMEMBERED = 1_000

/**
 * Does what `work` does, but after a failure answers the same for a second without trying again: whoever can make us ask, as with a
 * forged token, must not make us ask as often as they like.
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
