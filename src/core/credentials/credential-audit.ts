import type { Journal } from '../journal/journal.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { AccessContext, CredentialNote } from '../ports/access-context.ts'
import type { AuditEvent, AuditPosition } from '../ports/audit-sink.ts'

/** The audit lines about credentials of one backend. */
export interface AccessLog {
  /** Durable when it resolves, before something is given or written. Throws `audit_unavailable`. */
  grant(key: StorageKey | undefined, context: AccessContext, event: CredentialNote): Promise<AuditPosition>
  /** Something that has happened anyway. */
  note(key: StorageKey | undefined, context: AccessContext, event: CredentialNote): Promise<void>
}

export function createAccessLog(journal: Pick<Journal, 'grant' | 'note'>, backend: string): AccessLog {
  return {
    grant: (key, context, event) => journal.grant(lineOf(key, context, event, backend)),
    note: (key, context, event) => journal.note(lineOf(key, context, event, backend)),
  }
}

/**
 * What is written about one credential, by whom it was asked for. The assertion has no place in it. One literal, since spreading its parts
 * takes ten times as long, and it is made for each call.
 */
function lineOf(
  key: StorageKey | undefined,
  { actor, clientId, clientName, tool, request, address, correlationId }: AccessContext,
  { type, outcome, reason, version, previousVersion, backendRequestIds, destination, status }: CredentialNote,
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
    correlationId,
  }
}
