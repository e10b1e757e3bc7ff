import { CredentialVaultError } from '../core/model/errors.ts'
import type { BackendCall } from '../core/ports/secret-backend.ts'

/** Refuses to start or go on with work whose deadline has passed. Nothing has been changed when it throws. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return
  throw new CredentialVaultError('unavailable', 'The time for this call was over before anything was changed.', {
    reason: 'aborted',
    retryable: true,
  })
}

/** The same call with less time: for one request of many, or for what is not worth waiting for. */
export function withinTime(call: BackendCall, milliseconds: number): BackendCall {
  return { ...call, signal: AbortSignal.any([call.signal, AbortSignal.timeout(milliseconds)]) }
}
