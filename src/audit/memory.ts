import { CredentialVaultError } from '../core/model/errors.ts'
import type { AuditEvent, AuditSink } from '../core/ports/audit-sink.ts'
import { auditLineBody } from './line/audit-line.ts'

export interface MemoryAudit extends AuditSink {
  /** Everything appended so far, in order; the event at index i has `seq` i + 1. */
  readonly events: readonly AuditEvent[]
}

/** Audit lines in memory, for tests: nothing is durable. Refuses the same events as the real log. */
export function memoryAudit(): MemoryAudit {
  const events: AuditEvent[] = []
  let closed = false
  return {
    events,
    async append(event) {
      auditLineBody(event)
      if (closed) throw new CredentialVaultError('audit_unavailable', 'The audit log is closed.', { reason: 'closed' })
      // Whoever asked goes on with their list.
      const { backendRequestIds } = event
      events.push({ ...event, ...(backendRequestIds && { backendRequestIds: [...backendRequestIds] }) })
      return { writer: 'memory', seq: events.length }
    },
    async close() {
      closed = true
    },
  }
}
