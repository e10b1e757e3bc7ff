import { translated } from '../model/deadline.ts'
import { CredentialVaultError } from '../model/errors.ts'
import type { AuditSink } from '../ports/audit-sink.ts'
import type { PendingStore } from '../ports/pending-store.ts'
import { MalformedEvent } from './malformed-event.ts'

/**
 * An audit sink of which only our own errors come out. A vendor's error may quote what it was given, or an address with a password, and
 * would travel on to the tool and its client.
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

/** Reason for an event that no log will ever take: a field of the wrong type, or none that lines have. */
export const MALFORMED_EVENT = 'event'

/** The same for a pending store. */
export function pendingStoreWithTranslatedErrors(store: PendingStore): PendingStore {
  return withTranslatedErrors(store, (error) => translated('The pending store', error))
}

/** For parts whose every method is asynchronous, whether they are literals or instances of a class. */
function withTranslatedErrors<T extends object>(part: T, ownError: (error: unknown) => Error): T {
  return new Proxy(part, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property)
      if (typeof member !== 'function') return member
      return async (...parameters: unknown[]): Promise<unknown> => {
        try {
          return await Reflect.apply(member, target, parameters)
        } catch (error) {
          throw ownError(error)
        }
      }
    },
  })
}
