import type { CredentialState } from '../model/credential-state.ts'
import type { AuditEventType } from '../ports/audit-sink.ts'

/** What changes a credential's state, and the audit event that says so. */
export const TRANSITIONS = {
  save: { to: 'active', event: 'credential.stored' },
  rotate: { to: 'active', event: 'credential.rotated' },
  revoke: { to: 'revoked', event: 'credential.revoked' },
  purge: { to: 'absent', event: 'credential.purged' },
} as const satisfies Readonly<Record<string, { readonly to: CredentialState; readonly event: AuditEventType }>>
