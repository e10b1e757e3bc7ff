import type { ServiceReason } from '../model/error-reason.ts'
import { type CredentialVaultError, isCredentialVaultError } from '../model/errors.ts'
import type { ConnectionFailure } from './connection-failure.ts'

const PREFIX = 'service_'

/** The reason of an `unavailable` that is about the service a credential is for, and not about where credentials are kept. */
export function serviceReason(why: ConnectionFailure | 'busy' | 'unknown'): ServiceReason {
  return `${PREFIX}${why}`
}

export function isServiceOutage(error: unknown): error is CredentialVaultError {
  return isCredentialVaultError(error, 'unavailable') && error.reason?.startsWith(PREFIX) === true
}
