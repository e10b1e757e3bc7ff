import { setTimeout as delay } from 'node:timers/promises'
import { withDeadline } from '../host/deadline.ts'
import { CredentialVaultError, isCredentialVaultError } from '../model/errors.ts'
import type { CredentialStatus, StoredVersion, WritableBackend } from '../ports/secret-backend.ts'
import type { BackendCalls } from './backend-calls.ts'
import { type CallTrace, callOf } from './call-trace.ts'
import { expectAgain, type SaveRequest } from './unconfirmed-save.ts'

/** Milliseconds after a save's deadline in which its outcome is looked up. */
const LOOK_DEADLINE = 2_000
/** Milliseconds after the deadline in which a late result still counts. */
const VERDICT = 50

/**
 * Saves. After a lost answer it looks up the outcome, and repeats the write only over the version that it found first, so that it never
 * overwrites another writer's change.
 *
 * @throws `outcome_unknown` if the outcome cannot be determined
 */
export async function saveOnce(
  backend: WritableBackend,
  calls: BackendCalls,
  request: SaveRequest,
  trace: CallTrace,
): Promise<StoredVersion> {
  const { key, values, audit, operationId, labels, found, noteWritten } = request
  const state: { lost?: CredentialVaultError; base?: CredentialStatus; attempt?: Promise<StoredVersion> } = {}
  const noteBase = (status: CredentialStatus) => {
    state.base ??= status
  }
  try {
    return await calls.change(trace, async (call) => {
      const next = state.lost ? await expectAgain(backend, request, state.base, call) : request
      if ('stored' in next) return next.stored
      if (next.expect === undefined) throw state.lost ?? neverAnswered(backend.name)
      const intent = { expect: next.expect, audit, operationId, labels, ...(!state.lost && found && { found }) }
      const notes = { noteBase, ...(noteWritten && { noteWritten }) }
      state.attempt = backend.write(key, values, intent, { ...call, ...notes })
      try {
        return await state.attempt
      } catch (error) {
        if (isCredentialVaultError(error, 'outcome_unknown')) {
          state.lost = error
          // The next attempt has the same operation id, so it finds the outcome and stores nothing twice.
          throw new CredentialVaultError('unavailable', error.message, { reason: 'outcome_unknown', retryable: true })
        }
        // After a lost answer, a conflict may be with our own first attempt.
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
    const outcome = await looking.catch(() => undefined)
    if (outcome && 'stored' in outcome) return outcome.stored
    throw state.lost
  }
}

/** Returns the result of an attempt after its deadline, or undefined if there is none. */
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
