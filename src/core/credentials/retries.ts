import { setTimeout as delay } from 'node:timers/promises'
import { isCredentialVaultError } from '../model/errors.ts'

const MAX_ATTEMPTS = 3
const FIRST_WAIT = 100
const LONGEST_WAIT = 2_000

/**
 * Runs `attempt` up to three times while it fails with a retryable error. Waits a random time of up to 100 ms, 200 ms, … between attempts,
 * or as long as the dependency asked for. Gives up immediately if the wait would pass the deadline.
 *
 * @param deadline performance.now() at which all attempts must have ended
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
