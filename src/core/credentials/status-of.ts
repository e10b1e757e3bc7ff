import { isTampering, refusalEvent } from '../journal/refusal-event.ts'
import { CredentialVaultError } from '../model/errors.ts'
import type { StorageKey } from '../model/storage-key.ts'
import { checkNotSealed } from '../model/stored-values.ts'
import type { AccessContext } from '../ports/access-context.ts'
import type { CredentialLookup, CredentialStatus, ReadableBackend } from '../ports/secret-backend.ts'
import type { BackendCalls } from './backend-calls.ts'
import { type CallTrace, requestIdsOf, traceOf } from './call-trace.ts'
import type { AccessLog } from './credential-audit.ts'

export interface StatusParts {
  readonly backend: Pick<ReadableBackend, 'name' | 'stat'>
  readonly calls: BackendCalls
  readonly log: AccessLog
}

const ANSWERS: ReadonlySet<unknown> = new Set<CredentialStatus['status']>(['active', 'absent', 'revoked'])

/** @throws `unavailable` for an answer that a backend must not give, so that it is not mistaken for another */
function knownAnswer<A extends { readonly status: CredentialStatus['status'] }>(name: string, answer: A): A {
  if (ANSWERS.has(answer?.status)) return answer
  throw new CredentialVaultError(
    'unavailable',
    `${name} gave an answer that is none of "active", "absent" and "revoked". Look at its implementation of SecretBackend.`,
    { reason: 'answer' },
  )
}

/** Reads the credential, and lets only answers through that a backend may give. */
export function lookUp(
  { backend, calls }: { readonly backend: Pick<ReadableBackend, 'name' | 'read'>; readonly calls: BackendCalls },
  key: StorageKey,
  trace: CallTrace,
): Promise<CredentialLookup> {
  return calls.ask(trace, async (call) => {
    const found = knownAnswer(backend.name, await backend.read(key, call))
    if (found.status === 'active') checkNotSealed(found.values)
    return found
  })
}

/** Asks the backend for the credential's status. Only a tampered record gets an audit line. */
export async function statusOf(
  { backend, calls, log }: StatusParts,
  key: StorageKey,
  context: Pick<AccessContext, 'correlationId' | 'assertion' | 'trace'>,
): Promise<CredentialStatus> {
  const trace = traceOf(context)
  try {
    return await calls.ask(trace, async (call) => knownAnswer(backend.name, await backend.stat(key, call)))
  } catch (error) {
    if (isTampering(error))
      await log.note(key, context, { ...refusalEvent(error), backendRequestIds: requestIdsOf(trace) })
    throw error
  }
}
