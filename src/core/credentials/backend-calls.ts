import { withDeadline } from '../host/deadline.ts'
import { oncePerMinute } from '../host/once-per-minute.ts'
import type { Health } from '../journal/health.ts'
import { isTampering, reasonOf } from '../journal/refusal-event.ts'
import { type CredentialVaultError, isCredentialVaultError } from '../model/errors.ts'
import type { AuditReason } from '../ports/audit-sink.ts'
import type { BackendCall } from '../ports/secret-backend.ts'
import { type CallTrace, callOf } from './call-trace.ts'
import { type CircuitBreaker, createCircuitBreaker } from './circuit-breaker.ts'
import { withRetries } from './retries.ts'

type Operation<T> = (call: BackendCall) => Promise<T>

/**
 * Calls of one backend, with deadlines, retries where they are safe, and a circuit breaker, the same for every backend. Only our own
 * errors come out.
 */
export interface BackendCalls {
  /** Runs an operation that changes nothing. */
  ask<T>(trace: CallTrace, operation: Operation<T>): Promise<T>
  /** Runs an operation that writes. The caller knows whether it may be repeated. */
  change<T>(trace: CallTrace, operation: Operation<T>): Promise<T>
  /** Runs an operation that writes, even if the circuit breaker is open. */
  changeRegardless<T>(trace: CallTrace, operation: Operation<T>): Promise<T>
}

export interface BackendCallsParts {
  /** The backend's own name. */
  readonly name: string
  readonly health: Health
  /**
   * Told of tampered and replayed records, once a minute for each kind: they say nothing about the backend as a whole, so health stays green.
   * Default: nobody, for a command that prints the error itself.
   */
  readonly warn?: ((message: string) => void) | undefined
  /** Total time for one read, in milliseconds. Default 5000. */
  readonly readDeadline?: number | undefined
  /** Total time for one write, in milliseconds. Default 10000. */
  readonly writeDeadline?: number | undefined
}

/** Errors that concern the backend as a whole. */
const OUTAGES = [
  'unavailable',
  'unauthenticated',
  'outcome_unknown',
  'forbidden',
  'configuration_invalid',
  'key_wrong',
  'key_missing',
] as const

/** Reasons that concern one user or credential, and not the backend. */
const OF_ONE_CREDENTIAL: ReadonlySet<string | undefined> = new Set([
  'assertion',
  'quota',
  'still_being_removed',
  'contended',
])

/** Whether the error says nothing about the backend as a whole. */
export function concernsOneCredential({ reason }: CredentialVaultError): boolean {
  return OF_ONE_CREDENTIAL.has(reason)
}

export function createBackendCalls(parts: BackendCallsParts): BackendCalls {
  const { name, health, warn, readDeadline = 5_000, writeDeadline = 10_000 } = parts
  const isNews = oncePerMinute()
  const breaker = createCircuitBreaker(name)

  /** Runs an operation within a deadline, and reports each attempt to health and the breaker. */
  async function within<T>(
    milliseconds: number,
    trace: CallTrace,
    guard: Pick<CircuitBreaker, 'check'>,
    operation: Operation<T>,
  ): Promise<T> {
    const deadline = performance.now() + milliseconds
    const attempts = (signal: AbortSignal) =>
      withRetries(deadline, signal, async () => {
        guard.check()
        try {
          const answer = await operation(callOf(trace, signal))
          breaker.succeeded()
          return answer
        } catch (error) {
          breaker.failed(error)
          throw error
        }
      })
    try {
      const answer = await withDeadline(name, milliseconds, attempts)
      health.recovered('backend')
      return answer
    } catch (error) {
      // A user's own login may lack rights that the server has.
      const ofUser = trace.assertion !== undefined && isCredentialVaultError(error, 'unauthenticated', 'forbidden')
      if (isCredentialVaultError(error, ...OUTAGES) && !ofUser && !concernsOneCredential(error))
        health.failed('backend', problemOf(error), error.message)
      if (isTampering(error) && isNews(`${error.code} ${error.reason}`))
        warn?.(`${error.message} (${reasonOf(error)}, correlation id ${trace.correlationId})`)
      throw error
    }
  }

  return {
    ask: (trace, operation) => within(readDeadline, trace, breaker, operation),
    change: (trace, operation) => within(writeDeadline, trace, breaker, operation),
    changeRegardless: (trace, operation) => within(writeDeadline, trace, ALWAYS, operation),
  }
}

/** Returns the reason, which is narrower than the code. Only that of `key_wrong` names a part of the store, so there the code says more. */
function problemOf({ code, reason }: CredentialVaultError): AuditReason {
  return code === 'key_wrong' ? code : (reason ?? code)
}

const ALWAYS = { check: () => undefined }
