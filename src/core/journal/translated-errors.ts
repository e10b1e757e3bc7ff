import { translated } from '../host/deadline.ts'
import { withWrappedMethods } from '../host/wrapped-methods.ts'
import { CredentialVaultError } from '../model/errors.ts'
import type { AuditSink } from '../ports/audit-sink.ts'
import type { PendingStore } from '../ports/pending-store.ts'
import { MalformedEvent } from './malformed-event.ts'

/**
 * Wraps an audit sink so that it throws our own errors only. A vendor's error may quote its input, or an address with a password, and would
 * reach the tool and its client.
 */
export function auditWithTranslatedErrors(sink: AuditSink): AuditSink {
  return withTranslatedErrors(sink, (error) =>
    error instanceof MalformedEvent
      ? new CredentialVaultError(
          'audit_unavailable',
          'The audit log does not accept this line. Nothing was released or saved.',
          {
            reason: MALFORMED_EVENT,
          },
        )
      : translated('The audit log', error, 'audit_unavailable'),
  )
}

/** Reason of an event that no log will ever accept: a field has the wrong type or is unknown. */
export const MALFORMED_EVENT = 'event'

/** Wraps a pending store in the same way. */
export function pendingStoreWithTranslatedErrors(store: PendingStore): PendingStore {
  return withTranslatedErrors(store, (error) => translated('The pending store', error))
}

/** Works for parts whose methods are all asynchronous. */
function withTranslatedErrors<T extends object>(part: T, ownError: (error: unknown) => Error): T {
  return withWrappedMethods(part, (_, method) => async (...parameters) => {
    try {
      return await method(...parameters)
    } catch (error) {
      throw ownError(error)
    }
  })
}
