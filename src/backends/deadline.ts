import { CredentialVaultError } from '../core/errors.ts'

/** Refuses to start or go on with work whose deadline has passed. Nothing has been changed when it throws. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return
  throw new CredentialVaultError('unavailable', 'The time for this call was over before anything was changed.', {
    reason: 'aborted',
    retryable: true,
  })
}
