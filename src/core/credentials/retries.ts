import { setTimeout as delay } from 'node:timers/promises'
import { isCredentialVaultError } from '../model/errors.ts'

const MAX_ATTEMPTS = 3
const FIRST_WAIT = 100
const LONGEST_WAIT = 2_000

/**
 * Runs `attempt` up to three times, as long as it fails with an error that says it may succeed later. Waits between attempts at random
 * up to 100 ms, 200 ms, …, or as long as the dependency asked for, and gives up at once when that is after the deadline.
 *
 * @param deadline performance.now() at which the whole is over
 */
export async function withRetries<T>(deadline: number, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt()
    } catch (error) {
      if (!isCredentialVaultError(error) || !error.retryable || attempts >= MAX_ATTEMPTS || signal.aborted) throw error
      const wait =
        error.retryAfterSeconds === undefined
          ? Math.random() * Math.min(FIRST_WAIT * 2 ** (attempts - 1), LONGEST_WAIT)
          : error.retryAfterSeconds * 1000
      if (performance.now() + wait >= deadline) throw error
      await delay(wait)
    }
  }
}
