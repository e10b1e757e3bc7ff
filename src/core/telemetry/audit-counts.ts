import type { AuditEvent, AuditEventType } from '../ports/audit-sink.ts'
import type { Instruments } from './instruments.ts'
import { reasonLabel } from './label-values.ts'

/** What an audit line says of a form. Lines about credentials count only where they name the link's request. */
const FORM_OUTCOMES: Partial<Record<AuditEventType, string>> = {
  'form.opened': 'opened',
  'form.cancelled': 'cancelled',
  'form.identity_mismatch': 'identity_mismatch',
  'form.rejected': 'rejected',
  'credential.stored': 'saved',
  'credential.store_failed': 'save_failed',
  'credential.verification_failed': 'verification_failed',
}

export interface AuditCounts {
  /** Counts an audit line. It must not throw. */
  observe(line: AuditEvent): void
}

export function createAuditCounts(
  instruments: Instruments,
  providerLabel: (name: string | undefined) => string,
): AuditCounts {
  return {
    observe({ type, outcome, reason, provider, request, count }) {
      const times = type === 'refusals.counted' ? (count ?? 1) : 1
      instruments.count('credential_vault.events', { event: type, outcome, reason: reasonLabel(reason) }, times)
      const form = FORM_OUTCOMES[type]
      if (form !== undefined && (request !== undefined || type.startsWith('form.')))
        instruments.count('credential_vault.form.outcomes', { provider: providerLabel(provider), outcome: form })
    },
  }
}
