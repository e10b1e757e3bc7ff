import type { AuditSink } from './audit-sink.ts'
import { translated } from './deadline.ts'
import type { ErrorCode } from './errors.ts'
import type { PendingStore } from './pending-store.ts'

/**
 * An audit sink of which only our own errors come out. A vendor's error may quote what it was given, or an address with a password, and
 * would travel on to the tool and its client.
 */
export function auditWithOwnErrors(sink: AuditSink): AuditSink {
  return withOwnErrors(sink, 'audit_unavailable', 'The audit log')
}

/** The same for a pending store. */
export function pendingStoreWithOwnErrors(store: PendingStore): PendingStore {
  return withOwnErrors(store, 'unavailable', 'The pending store')
}

/** For parts whose every method is asynchronous, whether they are literals or instances of a class. */
function withOwnErrors<T extends object>(part: T, code: ErrorCode, name: string): T {
  return new Proxy(part, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property)
      if (typeof member !== 'function') return member
      return async (...parameters: unknown[]): Promise<unknown> => {
        try {
          return await Reflect.apply(member, target, parameters)
        } catch (error) {
          throw translated(name, error, code)
        }
      }
    },
  })
}
