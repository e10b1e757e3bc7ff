import { requestIdsOf, traceOf } from '../credentials/call-trace.ts'
import type { AccessLog } from '../credentials/credential-audit.ts'
import { reasonOf } from '../journal/refusal-event.ts'
import { TRANSITIONS } from '../journal/transitions.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { AccessContext, CredentialNote } from '../ports/access-context.ts'
import type { StoredVersion } from '../ports/secret-backend.ts'
import type { RejectionMarks } from './rejection-marks.ts'

export interface ReinstatementParts {
  readonly marks: Pick<RejectionMarks, 'set'>
  readonly log: Pick<AccessLog, 'grant' | 'note'>
}

/**
 * Removes the mark of a rejection once the `credential.reinstated` line is durable. The values were kept, so tools use them again at the
 * next call. If the mark stays, a second line says why. Resolves to false if another version is the newest by now.
 *
 * @throws `audit_unavailable`, or a backend's error
 */
export async function reinstate(
  { marks, log }: ReinstatementParts,
  key: StorageKey,
  version: StoredVersion,
  context: AccessContext,
): Promise<boolean> {
  const trace = traceOf(context)
  const line = { type: TRANSITIONS.reinstate.event, version: version.label } as const
  const failed = (reason: CredentialNote['reason']) =>
    log.note(key, context, { ...line, outcome: 'error', reason, backendRequestIds: requestIdsOf(trace) })
  await log.grant(key, context, { ...line, outcome: 'success' })
  try {
    if (await marks.set(key, version, undefined, trace)) return true
  } catch (error) {
    await failed(reasonOf(error))
    throw error
  }
  await failed('conflict')
  return false
}
