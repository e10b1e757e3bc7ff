import { CredentialVaultError, isCredentialVaultError } from '../model/errors.ts'

/**
 * Keeps calls away from a backend that is down: after five failures in a row each call fails at once, and every two seconds one is let
 * through to test the backend. Only outages count; a refusal is an answer.
 */
export interface CircuitBreaker {
  /** @throws `unavailable` (`reason: 'circuit_open'`) while the backend is thought to be down */
  check(): void
  succeeded(): void
  failed(error: unknown): void
  /** Whether calls are kept away. */
  isOpen(): boolean
}

const FAILURES = 5
const PROBE_EVERY_MILLISECONDS = 2_000
/** Reasons of outages that concern one request, and not the backend. */
const NO_OUTAGE: ReadonlySet<string | undefined> = new Set(['throttled', 'aborted', 'circuit_open', 'assertion'])

export function createCircuitBreaker(name: string): CircuitBreaker {
  let failures = 0
  let probeAt = 0

  return {
    check() {
      if (failures < FAILURES) return
      const now = performance.now()
      if (now >= probeAt) {
        probeAt = now + PROBE_EVERY_MILLISECONDS
        return
      }
      throw new CredentialVaultError(
        'unavailable',
        `${name} has failed several times in a row. Nothing was changed. Try again in a moment.`,
        { reason: 'circuit_open', retryAfterSeconds: PROBE_EVERY_MILLISECONDS / 1000 },
      )
    },
    isOpen: () => failures >= FAILURES,
    succeeded() {
      failures = 0
    },
    failed(error) {
      if (!isCredentialVaultError(error)) return
      const outage = (error.code === 'unavailable' && error.retryable) || error.code === 'outcome_unknown'
      if (!outage) failures = 0
      else if (!NO_OUTAGE.has(error.reason)) {
        failures += 1
        if (failures === FAILURES) probeAt = performance.now() + PROBE_EVERY_MILLISECONDS
      }
    },
  }
}
