import { isSharedStoreReason, type ServiceReason } from '../model/error-reason.ts'
import { type CredentialVaultError, isCredentialVaultError } from '../model/errors.ts'
import type { ConnectionFailure } from './connection-failure.ts'

const PREFIX = 'service_'

/** Returns the reason of an `unavailable` error about the credential's service, not about the credential store. */
export function serviceReason(why: ConnectionFailure | 'busy' | 'unknown'): ServiceReason {
  return `${PREFIX}${why}`
}

export function isServiceOutage(error: unknown): error is CredentialVaultError {
  return isCredentialVaultError(error, 'unavailable') && error.reason?.startsWith(PREFIX) === true
}

/** Whether an error is about the store that replicas share, and not about the store of the credentials. */
export function isSharedStoreProblem(error: unknown): error is CredentialVaultError {
  return isCredentialVaultError(error) && isSharedStoreReason(error.reason)
}
