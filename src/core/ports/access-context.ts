import type { AuditEvent } from './audit-sink.ts'
import type { BackendCall } from './secret-backend.ts'

/** The caller of an operation, for the audit line. */
export type AccessContext = Pick<
  AuditEvent,
  'actor' | 'clientId' | 'clientName' | 'tool' | 'request' | 'address' | 'correlationId'
> &
  Pick<BackendCall, 'assertion' | 'trace'>

/** The event fields about one credential, besides its owner and the caller. */
export type CredentialNote = Pick<
  AuditEvent,
  | 'type'
  | 'outcome'
  | 'reason'
  | 'version'
  | 'previousVersion'
  | 'backendRequestIds'
  | 'destination'
  | 'status'
  | 'pid'
  | 'count'
>
