import { type CredentialVaultError, type ErrorCode, isCredentialVaultError } from '../model/errors.ts'
import type { AuditEvent, AuditReason } from '../ports/audit-sink.ts'

type RefusalEvent = Required<Pick<AuditEvent, 'type' | 'outcome' | 'reason'>>

const TYPES: Partial<Record<ErrorCode, RefusalEvent['type']>> = {
  credential_absent: 'credential.missing',
  credential_revoked: 'credential.missing',
  credential_rejected: 'credential.missing',
  credential_expired: 'credential.missing',
  credential_incomplete: 'credential.missing',
  record_tampered: 'record.tampered',
  record_replayed: 'store.rollback_detected',
}

/** Returns the audit event for a value that was not released. */
export function refusalEvent(error: unknown): RefusalEvent {
  const type = (isCredentialVaultError(error) && TYPES[error.code]) || 'credential.denied'
  return { type, outcome: isTampering(error) ? 'error' : 'failure', reason: reasonOf(error) }
}

/** Whether a stored record was manipulated. This is logged even if no value was to be released. */
export function isTampering(error: unknown): error is CredentialVaultError {
  return isCredentialVaultError(error, 'record_tampered', 'record_replayed')
}

/** Returns the text of one of our own errors for an operator. Other errors may hold anything. */
export function adviceOf(error: unknown): string | undefined {
  return isCredentialVaultError(error) ? error.message : undefined
}

/** Returns the most specific stable token for an error. */
export function reasonOf(error: unknown): AuditReason {
  return isCredentialVaultError(error) ? (error.reason ?? error.code) : 'unexpected'
}
