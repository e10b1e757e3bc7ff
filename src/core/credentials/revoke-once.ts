import { CredentialVaultError, isCredentialVaultError } from '../model/errors.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { RevokeIntent, WritableBackend } from '../ports/secret-backend.ts'
import type { BackendCalls } from './backend-calls.ts'
import type { CallTrace } from './call-trace.ts'

/** Revokes, even if the circuit breaker is open. After a lost answer, a conflict may be the result of our own earlier attempt. */
export async function revokeOnce(
  backend: WritableBackend,
  calls: BackendCalls,
  key: StorageKey,
  intent: RevokeIntent,
  trace: CallTrace,
): Promise<boolean> {
  const state = { lost: false }
  return calls.changeRegardless(trace, async (call) => {
    try {
      // After a lost answer, nothing left to revoke means that the earlier attempt succeeded.
      return (await backend.revoke(key, intent, call)) || state.lost
    } catch (error) {
      if (isCredentialVaultError(error, 'outcome_unknown')) {
        state.lost = true
        throw new CredentialVaultError('outcome_unknown', error.message, {
          ...(error.reason !== undefined && { reason: error.reason }),
          retryable: true,
        })
      }
      if (
        state.lost &&
        isCredentialVaultError(error, 'conflict') &&
        (await backend.stat(key, call)).status !== 'active'
      )
        return true
      throw error
    }
  })
}
