import type { AuditEvent, AuditSink } from '../core/audit-sink.ts'
import { isVaultError } from '../core/errors.ts'
import type { Health } from '../core/health.ts'

/** How the pages write audit lines. */
export interface Journal {
  /** Before something is granted: rejects when the line is not durable, and nothing may be granted then. */
  grant(event: AuditEvent): Promise<void>
  /** About a refusal or an ending, which stands whether or not it can be written. Turns health red instead of rejecting. */
  note(event: AuditEvent): Promise<void>
}

export function createJournal(audit: AuditSink, health: Health): Journal {
  async function grant(event: AuditEvent): Promise<void> {
    try {
      await audit.append(event)
      health.recovered('audit')
    } catch (error) {
      health.failed('audit', isVaultError(error) ? (error.reason ?? error.code) : 'unexpected')
      throw error
    }
  }
  return { grant, note: (event) => grant(event).catch(() => {}) }
}
