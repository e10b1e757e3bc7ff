import { CredentialVaultError } from '../core/model/errors.ts'
import type { AuditEvent, AuditSink } from '../core/ports/audit-sink.ts'
import { auditLineBody } from './line/audit-line.ts'

export interface MemoryAudit extends AuditSink {
  /** Everything appended so far, in order; the event at index i has `seq` i + 1. */
  readonly events: readonly AuditEvent[]
}

/** Keeps audit lines in memory, for tests: nothing is durable. It refuses the same events as the real log. */
export function memoryAudit(): MemoryAudit {
  const events: AuditEvent[] = []
  let closed = false
  return {
    events,
    async append(event) {
      auditLineBody(event)
      if (closed) throw new CredentialVaultError('audit_unavailable', 'The audit log is closed.', { reason: 'closed' })
      // The caller may append to its own list later.
      const { backendRequestIds } = event
      events.push({ ...event, ...(backendRequestIds && { backendRequestIds: [...backendRequestIds] }) })
      return { writer: 'memory', seq: events.length }
    },
    async close() {
      closed = true
    },
  }
}
