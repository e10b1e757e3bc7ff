import { isTampering, refusalEvent } from '../journal/refusal-event.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { AccessContext } from '../ports/access-context.ts'
import type { CredentialStatus, ReadableBackend } from '../ports/secret-backend.ts'
import type { AccessLog } from './access-log.ts'
import type { BackendCalls } from './backend-calls.ts'
import { requestIdsOf, traceOf } from './call-trace.ts'

export interface StatusParts {
  readonly backend: Pick<ReadableBackend, 'stat'>
  readonly calls: BackendCalls
  readonly log: AccessLog
}

/** Asks the backend whether there is a credential. Only a record that somebody has tampered with is worth a line. */
export async function statusOf(
  { backend, calls, log }: StatusParts,
  key: StorageKey,
  context: Pick<AccessContext, 'correlationId' | 'assertion'>,
): Promise<CredentialStatus> {
  const trace = traceOf(context)
  try {
    return await calls.ask(trace, (call) => backend.stat(key, call))
  } catch (error) {
    if (isTampering(error))
      await log.note(key, context, { ...refusalEvent(error), backendRequestIds: requestIdsOf(trace) })
    throw error
  }
}
