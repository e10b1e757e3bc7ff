import { setTimeout as delay } from 'node:timers/promises'
import type { Health } from '../journal/health.ts'
import { withDeadline } from '../model/deadline.ts'
import { CredentialVaultError, isVaultError } from '../model/errors.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type {
  BackendCall,
  CredentialStatus,
  RevokeIntent,
  SecretBackend,
  StoredVersion,
} from '../ports/secret-backend.ts'
import { type CircuitBreaker, createCircuitBreaker } from './circuit-breaker.ts'
import { expectAgain, type SaveRequest } from './lost-save.ts'
import { withRetries } from './retries.ts'

/** What one operation tells the backend of itself, and hears back for the audit line. */
export interface CallTrace {
  readonly correlationId: string
  readonly assertion: BackendCall['assertion'] | undefined
  /** The vendor's ids of the requests that were made, as far as they came back. Filled in as they do. */
  readonly requestIds: string[]
}

/**
 * A backend with deadlines, retries where they are safe, and a circuit breaker, the same for every backend. Only our own errors come
 * out.
 */
export interface BackendCalls {
  /** For operations that change nothing. */
  ask<T>(trace: CallTrace, operation: (call: BackendCall) => Promise<T>): Promise<T>
  /**
   * A save whose answer is lost is looked for, and made again only over what it found the first time, so that nothing that somebody else
   * did meanwhile is overwritten.
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
/** In which a backend whose time is over may still say what became of its request. */
const VERDICT = 50
const MAX_REQUEST_IDS = 8

const UNWELL = [
  'unavailable',
  'unauthenticated',
  'outcome_unknown',
  'forbidden',
  'configuration_invalid',
  'key_wrong',
  'key_missing',
] as const

/** Reasons that say something of one user or one credential, and nothing of the backend. */
const OF_ONE_CREDENTIAL: ReadonlySet<string | undefined> = new Set([
  'assertion',
  'quota',
  'still_being_removed',
  'contended',
])

export function createBackendCalls(parts: BackendCallsParts): BackendCalls {
  const { backend, health, readDeadline, writeDeadline } = parts
  const breaker = createCircuitBreaker(backend.name)

  /** One operation within a deadline: health and the breaker hear of each attempt. */
  async function within<T>(
    milliseconds: number,
    trace: CallTrace,
    guard: Pick<CircuitBreaker, 'check'>,
    operation: (call: BackendCall) => Promise<T>,
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
      const answer = await withDeadline(backend.name, milliseconds, attempts)
      health.recovered('backend')
      return answer
    } catch (error) {
      // What one user's own login may not do says nothing about the server.
      const ofUser = trace.assertion !== undefined && isVaultError(error, 'unauthenticated', 'forbidden')
      const ofCredential = isVaultError(error) && OF_ONE_CREDENTIAL.has(error.reason)
      if (isVaultError(error, ...UNWELL) && !ofUser && !ofCredential)
        health.failed('backend', error.reason ?? error.code)
      throw error
    }
  }

  async function save(request: SaveRequest, trace: CallTrace): Promise<StoredVersion> {
    const { key, values, audit, operationId } = request
    const state: { lost?: CredentialVaultError; base?: CredentialStatus; attempt?: Promise<StoredVersion> } = {}
    const noteBase = (status: CredentialStatus) => {
      state.base ??= status
    }
    try {
      return await within(writeDeadline, trace, breaker, async (call) => {
        const next = state.lost ? await expectAgain(backend, request, state.base, call) : request
        if ('stored' in next) return next.stored
        if (next.expect === undefined) throw state.lost ?? neverAnswered(backend.name)
        const intent = { expect: next.expect, audit, operationId }
        state.attempt = backend.write(key, values, intent, { ...call, noteBase })
        try {
          return await state.attempt
        } catch (error) {
          if (isVaultError(error, 'outcome_unknown')) {
            state.lost = error
            // The next attempt is the same operation: it finds out, and stores nothing twice.
            throw new CredentialVaultError('unavailable', error.message, { reason: 'outcome_unknown', retryable: true })
          }
          // After a lost answer, a conflict may be with ourselves.
          throw state.lost && isVaultError(error, 'conflict') ? state.lost : error
        }
      })
    } catch (error) {
      if (isVaultError(error, 'unavailable') && error.reason === 'timeout' && state.attempt) {
        const verdict = await soon(state.attempt)
        if (verdict && 'value' in verdict) return verdict.value
        if (!verdict || isVaultError(verdict.error, 'outcome_unknown')) state.lost ??= neverAnswered(backend.name)
      }
      if (!state.lost) throw error
      const looking = withDeadline(backend.name, LOOK_DEADLINE, (signal) =>
        expectAgain(backend, request, state.base, callOf(trace, signal)),
      )
      const found = await looking.catch(() => undefined)
      if (found && 'stored' in found) return found.stored
      throw state.lost
    }
  }

  async function revoke(key: StorageKey, intent: RevokeIntent, trace: CallTrace): Promise<boolean> {
    const state = { lost: false }
    return within(writeDeadline, trace, ALWAYS, async (call) => {
      try {
        // Nothing left to revoke after a lost answer: it was done.
        return (await backend.revoke(key, intent, call)) || state.lost
      } catch (error) {
        if (isVaultError(error, 'outcome_unknown')) {
          state.lost = true
          throw new CredentialVaultError('outcome_unknown', error.message, {
            ...(error.reason !== undefined && { reason: error.reason }),
            retryable: true,
          })
        }
        if (state.lost && isVaultError(error, 'conflict') && (await backend.stat(key, call)).status !== 'active')
          return true
        throw error
      }
    })
  }

  return { ask: (trace, operation) => within(readDeadline, trace, breaker, operation), save, revoke }
}

const ALWAYS = { check: () => undefined }

/** What became of an attempt whose time is over; undefined when it does not say. */
async function soon<T>(attempt: Promise<T>): Promise<{ readonly value: T } | { readonly error: unknown } | undefined> {
  const settled = attempt.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  return Promise.race([settled, delay(VERDICT).then(() => undefined)])
}

function callOf({ correlationId, assertion, requestIds }: CallTrace, signal: AbortSignal): BackendCall {
  return {
    signal,
    correlationId,
    noteRequest: (id) => {
      if (requestIds.length < MAX_REQUEST_IDS) requestIds.push(id)
    },
    ...(assertion && { assertion: () => assertion().catch(assertionFailed) }),
  }
}

function assertionFailed(error: unknown): never {
  if (isVaultError(error)) throw error
  throw new CredentialVaultError('unavailable', "The user's own token for the backend could not be had.", {
    reason: 'assertion',
    retryable: true,
  })
}

function neverAnswered(name: string): CredentialVaultError {
  return new CredentialVaultError(
    'outcome_unknown',
    `${name} did not say in time whether the change was made. Look at the credential before you try again.`,
    { reason: 'timeout' },
  )
}
