import { isDeepStrictEqual } from 'node:util'
import type { AuditPosition } from './audit-sink.ts'
import { type CircuitBreaker, createCircuitBreaker } from './circuit-breaker.ts'
import { withDeadline } from './deadline.ts'
import { CredentialVaultError, isVaultError } from './errors.ts'
import type { Health } from './health.ts'
import { withRetries } from './retries.ts'
import type {
  BackendCall,
  CredentialLookup,
  Expectation,
  RevokeIntent,
  SecretBackend,
  StoredVersion,
} from './secret-backend.ts'
import type { StorageKey } from './storage-key.ts'
import type { CredentialValues } from './variables.ts'

/** What one operation tells the backend of itself, and hears back for the audit line. */
export interface CallTrace {
  readonly correlationId: string
  readonly assertion: BackendCall['assertion'] | undefined
  /** The vendor's ids of the requests that were made, as far as they came back. Filled in as they do. */
  readonly requestIds: string[]
}

export interface SaveRequest {
  readonly key: StorageKey
  readonly values: CredentialValues
  readonly expect: Expectation
  readonly audit: AuditPosition
  readonly operationId: string
}

/**
 * A backend with deadlines, retries where they are safe, and a circuit breaker, the same for every backend. Only our own errors come
 * out.
 */
export interface BackendCalls {
  /** For operations that change nothing. */
  ask<T>(trace: CallTrace, operation: (call: BackendCall) => Promise<T>): Promise<T>
  /**
   * A save whose answer is lost is looked for, and made again when that cannot overwrite what somebody else did.
   *
   * @throws `outcome_unknown` when nobody can tell whether it was made
   */
  save(request: SaveRequest, trace: CallTrace): Promise<StoredVersion>
  /** Is tried even when the backend is thought to be down. */
  revoke(key: StorageKey, intent: RevokeIntent, trace: CallTrace): Promise<boolean>
}

export interface BackendCallsParts {
  readonly backend: SecretBackend
  readonly health: Health
  /** Milliseconds. */
  readonly readDeadline: number
  readonly writeDeadline: number
}

/** Milliseconds after a save's deadline in which its outcome is looked for. */
const LOOK_DEADLINE = 2_000
const MAX_REQUEST_IDS = 8

export function createBackendCalls(parts: BackendCallsParts): BackendCalls {
  const { backend, health, readDeadline, writeDeadline } = parts
  const breaker = createCircuitBreaker(backend.name)

  /** One operation within a deadline: health and the breaker hear of each attempt. */
  function within<T>(
    milliseconds: number,
    trace: CallTrace,
    guard: Pick<CircuitBreaker, 'check'>,
    operation: (call: BackendCall) => Promise<T>,
  ): Promise<T> {
    const deadline = performance.now() + milliseconds
    return observed(() =>
      withDeadline(backend.name, milliseconds, (signal) =>
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
        }),
      ),
    )
  }

  async function observed<T>(work: () => Promise<T>): Promise<T> {
    try {
      const answer = await work()
      health.recovered('backend')
      return answer
    } catch (error) {
      if (
        isVaultError(
          error,
          'unavailable',
          'unauthenticated',
          'outcome_unknown',
          'forbidden',
          'key_wrong',
          'key_missing',
        )
      )
        health.failed('backend', error.reason ?? error.code)
      throw error
    }
  }

  /** What is stored now, with the values where this process may see them; undefined where it may see nothing. */
  async function look(key: StorageKey, call: BackendCall): Promise<CredentialLookup | undefined> {
    try {
      return await backend.read(key, call)
    } catch (error) {
      if (isVaultError(error, 'credential_malformed')) return { status: 'absent' }
      if (isVaultError(error, 'forbidden')) return undefined
      throw error
    }
  }

  /** The stored version when it is what `request` was to store. */
  async function found({ key, values }: SaveRequest, call: BackendCall): Promise<StoredVersion | undefined> {
    const stored = await look(key, call)
    return stored?.status === 'active' && isDeepStrictEqual({ ...stored.values }, { ...values })
      ? stored.version
      : undefined
  }

  async function save(request: SaveRequest, trace: CallTrace): Promise<StoredVersion> {
    const { key, values, expect, audit, operationId } = request
    const state: { unknown?: CredentialVaultError; sent: boolean } = { sent: false }
    try {
      return await within(writeDeadline, trace, breaker, async (call) => {
        if (state.unknown) {
          const stored = await found(request, call)
          if (stored) return stored
        }
        try {
          state.sent = true
          return await backend.write(key, values, { expect, audit, operationId }, call)
        } catch (error) {
          state.sent = false
          if (isVaultError(error, 'outcome_unknown')) {
            state.unknown = error
            // The next attempt is the same operation: it finds out, and stores nothing twice.
            throw new CredentialVaultError('unavailable', error.message, { reason: 'outcome_unknown', retryable: true })
          }
          // After a lost answer, a conflict may be with ourselves.
          throw state.unknown && isVaultError(error, 'conflict') ? state.unknown : error
        }
      })
    } catch (error) {
      const timedOut = isVaultError(error, 'unavailable') && error.reason === 'timeout'
      if (!state.unknown && !(timedOut && state.sent)) throw error
      const stored = await withDeadline(backend.name, LOOK_DEADLINE, (signal) =>
        found(request, callOf(trace, signal)),
      ).catch(() => undefined)
      if (stored) return stored
      throw state.unknown ?? neverAnswered(backend.name)
    }
  }

  return {
    ask: (trace, operation) => within(readDeadline, trace, breaker, operation),
    save,
    revoke: (key, intent, trace) =>
      within(writeDeadline, trace, ALWAYS, async (call) => {
        try {
          return await backend.revoke(key, intent, call)
        } catch (error) {
          // Revoking again what is revoked changes nothing.
          if (isVaultError(error, 'outcome_unknown'))
            throw new CredentialVaultError('outcome_unknown', error.message, {
              ...(error.reason !== undefined && { reason: error.reason }),
              retryable: true,
            })
          throw error
        }
      }),
  }
}

const ALWAYS = { check: () => undefined }

function callOf({ correlationId, assertion, requestIds }: CallTrace, signal: AbortSignal): BackendCall {
  return {
    signal,
    correlationId,
    noteRequest: (id) => {
      if (requestIds.length < MAX_REQUEST_IDS) requestIds.push(id)
    },
    ...(assertion && { assertion }),
  }
}

function neverAnswered(name: string): CredentialVaultError {
  return new CredentialVaultError(
    'outcome_unknown',
    `${name} did not say in time whether the change was made. Look at the credential before you try again.`,
    { reason: 'timeout' },
  )
}
