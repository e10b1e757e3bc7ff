import type { CredentialState } from '../model/credential-state.ts'
import type { AuditEventType } from '../ports/audit-sink.ts'

/** The operations that change a credential's state, each with its audit event. */
export const TRANSITIONS = {
  save: { to: 'active', event: 'credential.stored' },
  rotate: { to: 'active', event: 'credential.rotated' },
  reject: { to: 'rejected', event: 'credential.rejected' },
  reinstate: { to: 'active', event: 'credential.reinstated' },
  // Nothing is changed when a credential expires or a provider gains a field, so there is no line of that moment.
  expire: { to: 'expired', event: 'credential.requested' },
  lackField: { to: 'incomplete', event: 'credential.requested' },
  revoke: { to: 'revoked', event: 'credential.revoked' },
  purge: { to: 'absent', event: 'credential.purged' },
} as const satisfies Readonly<Record<string, { readonly to: CredentialState; readonly event: AuditEventType }>>
