import type { BackendCalls } from '../credentials/backend-calls.ts'
import { requestIdsOf, traceOf } from '../credentials/call-trace.ts'
import type { AccessLog } from '../credentials/credential-audit.ts'
import { reasonOf } from '../journal/refusal-event.ts'
import { TRANSITIONS } from '../journal/transitions.ts'
import { CredentialVaultError } from '../model/errors.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { AccessContext } from '../ports/access-context.ts'
import type { SecretBackend, StoredVersion } from '../ports/secret-backend.ts'

export interface ReinstatementParts {
  readonly backend: Pick<SecretBackend, 'name' | 'markRejected'>
  readonly calls: BackendCalls
  readonly log: Pick<AccessLog, 'grant' | 'note'>
}

/**
 * Takes back the mark of a rejection, once the `credential.reinstated` line is durable. The values were kept, so tools use them again at
 * the next call.
 *
 * @throws `unsupported` if the backend stores no marks, `conflict` if another version is the newest by now, `audit_unavailable`, or a
 *   backend's error
 */
export async function reinstate(
  { backend, calls, log }: ReinstatementParts,
  key: StorageKey,
  version: StoredVersion,
  context: AccessContext,
): Promise<void> {
  const { name, markRejected } = backend
  if (!markRejected) throw noMarks(name)
  const trace = traceOf(context)
  const type = TRANSITIONS.reinstate.event
  await log.grant(key, context, { type, outcome: 'success', version: version.label })
  try {
    const isNewest = await calls.change(trace, (call) => markRejected.call(backend, key, version, undefined, call))
    if (isNewest) return
    throw new CredentialVaultError(
      'conflict',
      `The credential for ${key.provider} was changed at the same time, so nothing was rolled back.`,
      { provider: key.provider },
    )
  } catch (error) {
    await log.note(key, context, {
      type,
      outcome: 'error',
      reason: reasonOf(error),
      version: version.label,
      backendRequestIds: requestIdsOf(trace),
    })
    throw error
  }
}

export function noMarks(backend: string): CredentialVaultError {
  return new CredentialVaultError(
    'unsupported',
    `The ${backend} backend stores no marks of rejections. Each running server keeps its own until it restarts: restart it to use the credential again.`,
  )
}
