import type { AuditEvent } from './audit-sink.ts'
import type { BackendCall } from './secret-backend.ts'

/** Who asks, for the audit line. */
export type AccessContext = Pick<
  AuditEvent,
  'actor' | 'clientId' | 'clientName' | 'tool' | 'request' | 'address' | 'correlationId'
> &
  Pick<BackendCall, 'assertion'>

/** What is written about one credential, beside whose it is and who asked. */
export type CredentialNote = Pick<
  AuditEvent,
  'type' | 'outcome' | 'reason' | 'version' | 'previousVersion' | 'backendRequestIds' | 'destination' | 'status'
>
