import { BoundedMap } from '../host/bounded-map.ts'
import { type Owner, ownerKey } from '../model/owner.ts'
import type { AuditEvent, AuditEventType } from '../ports/audit-sink.ts'
import type { Instruments } from './instruments.ts'
import { reasonLabel } from './label-values.ts'

const MAX_SAVES = 10_000

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
  /** When this process saved the owner's credential last, on the clock of `performance.now()`. */
  savedAt(provider: string, owner: Owner): number | undefined
}

export function createAuditCounts(
  instruments: Instruments,
  providerLabel: (name: string | undefined) => string,
): AuditCounts {
  const saves = new BoundedMap<string, number>(MAX_SAVES)
  return {
    observe({ type, outcome, reason, owner, provider, request, count }) {
      const times = type === 'refusals.counted' ? (count ?? 1) : 1
      instruments.count('credential_vault.events', { event: type, outcome, reason: reasonLabel(reason) }, times)
      if (type === 'credential.stored' && owner && provider !== undefined)
        saves.set(saveOf(provider, owner), performance.now())
      const form = FORM_OUTCOMES[type]
      if (form !== undefined && (request !== undefined || type.startsWith('form.')))
        instruments.count('credential_vault.form.outcomes', { provider: providerLabel(provider), outcome: form })
    },
    savedAt: (provider, owner) => saves.get(saveOf(provider, owner)),
  }
}

function saveOf(provider: string, owner: Owner): string {
  return `${provider} ${ownerKey(owner)}`
}
