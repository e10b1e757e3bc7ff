import type { StorageKey } from '../model/storage-key.ts'
import type { AccessContext, CredentialNote } from '../ports/access-context.ts'
import type { AuditEvent } from '../ports/audit-sink.ts'

/**
 * What is written about one credential, by whom it was asked for. The assertion has no place in it. One literal, since spreading its parts
 * takes ten times as long, and it is made for each call.
 */
export function credentialLine(
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
