import type { Journal } from '../journal/journal.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { AccessContext, CredentialNote } from '../ports/access-context.ts'
import type { AuditEvent, AuditPosition } from '../ports/audit-sink.ts'

/** Writes the audit lines about credentials of one backend. */
export interface AccessLog {
  /** Writes a line before something is released or written. The line is durable when this resolves. Throws `audit_unavailable`. */
  grant(key: StorageKey | undefined, context: AccessContext, event: CredentialNote): Promise<AuditPosition>
  /** Writes a line about something that has already happened. */
  note(key: StorageKey | undefined, context: AccessContext, event: CredentialNote): Promise<void>
}

export function createAccessLog(journal: Pick<Journal, 'grant' | 'note'>, backend: string): AccessLog {
  return {
    grant: (key, context, event) => journal.grant(lineOf(key, context, event, backend)),
    note: (key, context, event) => journal.note(lineOf(key, context, event, backend)),
  }
}

/**
 * Builds the audit event, which never contains the user's JWT. It is one literal, because each call makes one and spreading its parts takes
 * ten times as long.
 */
function lineOf(
  key: StorageKey | undefined,
  { actor, clientId, clientName, tool, request, address, correlationId }: AccessContext,
  {
    type,
    outcome,
    reason,
    version,
    previousVersion,
    backendRequestIds,
    destination,
    status,
    pid,
    count,
  }: CredentialNote,
  backend: string,
): AuditEvent {
  const owner = key?.owner
  const provider = key?.provider
  return {
    type,
    outcome,
    reason,
    owner,
    actor,
    provider,
    version,
    previousVersion,
    clientId,
    clientName,
    tool,
    backend,
    backendRequestIds,
    destination,
    status,
    request,
    address,
    pid,
    correlationId,
    count,
  }
}
