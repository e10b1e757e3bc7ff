import { CredentialVaultError, isCredentialVaultError } from '../model/errors.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { RevokeIntent, WritableBackend } from '../ports/secret-backend.ts'
import type { BackendCalls } from './backend-calls.ts'
import type { CallTrace } from './call-trace.ts'

/** Revokes, even when the backend is thought to be down. What a lost answer may have done already is not taken for somebody else's doing. */
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
      // Nothing left to revoke after a lost answer: it was done.
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
