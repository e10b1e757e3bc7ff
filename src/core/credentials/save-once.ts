import { setTimeout as delay } from 'node:timers/promises'
import { withDeadline } from '../model/deadline.ts'
import { CredentialVaultError, isCredentialVaultError } from '../model/errors.ts'
import type { CredentialStatus, StoredVersion, WritableBackend } from '../ports/secret-backend.ts'
import type { BackendCalls } from './backend-calls.ts'
import { type CallTrace, callOf } from './call-trace.ts'
import { expectAgain, type SaveRequest } from './unconfirmed-save.ts'

/** Milliseconds after a save's deadline in which its outcome is looked for. */
const LOOK_DEADLINE = 2_000
/** In which a backend whose time is over may still say what became of its request. */
const VERDICT = 50

/**
 * Saves, and where an answer is lost looks for what became of it, and makes it again only over what it found the first time, so that
 * nothing that somebody else did meanwhile is overwritten.
 *
 * @throws `outcome_unknown` when nobody can tell whether it was made
 */
export async function saveOnce(
  backend: WritableBackend,
  calls: BackendCalls,
  request: SaveRequest,
  trace: CallTrace,
): Promise<StoredVersion> {
  const { key, values, audit, operationId } = request
  const state: { lost?: CredentialVaultError; base?: CredentialStatus; attempt?: Promise<StoredVersion> } = {}
  const noteBase = (status: CredentialStatus) => {
    state.base ??= status
  }
  try {
    return await calls.change(trace, async (call) => {
      const next = state.lost ? await expectAgain(backend, request, state.base, call) : request
      if ('stored' in next) return next.stored
      if (next.expect === undefined) throw state.lost ?? neverAnswered(backend.name)
      const intent = { expect: next.expect, audit, operationId }
      state.attempt = backend.write(key, values, intent, { ...call, noteBase })
      try {
        return await state.attempt
      } catch (error) {
        if (isCredentialVaultError(error, 'outcome_unknown')) {
          state.lost = error
          // The next attempt is the same operation: it finds out, and stores nothing twice.
          throw new CredentialVaultError('unavailable', error.message, { reason: 'outcome_unknown', retryable: true })
        }
        // After a lost answer, a conflict may be with ourselves.
        throw state.lost && isCredentialVaultError(error, 'conflict') ? state.lost : error
      }
    })
  } catch (error) {
    if (isCredentialVaultError(error, 'unavailable') && error.reason === 'timeout' && state.attempt) {
      const verdict = await verdictOf(state.attempt)
      if (verdict && 'value' in verdict) return verdict.value
      if (!verdict || isCredentialVaultError(verdict.error, 'outcome_unknown'))
        state.lost ??= neverAnswered(backend.name)
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

/** What became of an attempt whose time is over; undefined when it does not say. */
async function verdictOf<T>(
  attempt: Promise<T>,
): Promise<{ readonly value: T } | { readonly error: unknown } | undefined> {
  const settled = attempt.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  return Promise.race([settled, delay(VERDICT).then(() => undefined)])
}

function neverAnswered(name: string): CredentialVaultError {
  return new CredentialVaultError(
    'outcome_unknown',
    `${name} did not confirm the change in time. Check the credential before you try again.`,
    { reason: 'timeout' },
  )
}
