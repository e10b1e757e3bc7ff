import { BoundedMap } from '../../../core/host/bounded-map.ts'
import { CredentialVaultError } from '../../../core/model/errors.ts'
import type { CheckedLimits } from './pool-limits.ts'

/** Pauses between the starts of a server that keeps ending by itself. */
export interface CrashBackoff {
  /** Counts a crash, or a start that failed, of a child that had lived for so many milliseconds. */
  crashed(key: string, lived: number): void
  /** @throws `unavailable` (`child_crashed`) during a pause, with the seconds that are left */
  check(key: string): void
}

const MAX_REMEMBERED = 10_000

export function createCrashBackoff(limits: CheckedLimits): CrashBackoff {
  const crashes = new BoundedMap<string, { readonly count: number; readonly until: number }>(MAX_REMEMBERED)

  return {
    crashed(key, lived) {
      const count = lived >= limits.healthyAfter ? 1 : (crashes.get(key)?.count ?? 0) + 1
      const pause = Math.min(limits.longestBackoff, limits.backoff * 2 ** Math.min(count - 1, 40))
      crashes.set(key, { count, until: performance.now() + pause })
    },

    check(key) {
      const left = (crashes.get(key)?.until ?? 0) - performance.now()
      if (left <= 0) return
      throw new CredentialVaultError(
        'unavailable',
        'The server ended by itself, and is started again after a pause. Try again later; the proxy logs what it wrote to standard error.',
        { reason: 'child_crashed', retryable: true, retryAfterSeconds: Math.ceil(left / 1000) },
      )
    },
  }
}
