import { CredentialVaultError, isCredentialVaultError } from '../model/errors.ts'
import type { AccessContext } from '../ports/access-context.ts'
import type { BackendCall } from '../ports/secret-backend.ts'
import type { TraceContext } from '../ports/telemetry.ts'

/** Data that one operation passes to the backend, and receives back for the audit line. */
export interface CallTrace {
  readonly correlationId: string
  readonly assertion: BackendCall['assertion'] | undefined
  /** The vendor's ids of the requests, added as the answers arrive. */
  readonly requestIds: string[]
  /** The span of the request that the operation belongs to. */
  readonly parentSpan?: TraceContext | undefined
}

const MAX_REQUEST_IDS = 8

export function traceOf({
  correlationId,
  assertion,
  trace,
}: Pick<AccessContext, 'correlationId' | 'assertion' | 'trace'>): CallTrace {
  return { correlationId, assertion, requestIds: [], parentSpan: trace }
}

/** Returns the ids for the audit line, or undefined when the vendor sent none. */
export function requestIdsOf({ requestIds }: CallTrace): readonly string[] | undefined {
  return requestIds.length === 0 ? undefined : requestIds
}

export function callOf(
  { correlationId, assertion, requestIds, parentSpan }: CallTrace,
  signal: AbortSignal,
): BackendCall {
  return {
    signal,
    correlationId,
    trace: parentSpan,
    noteRequest: (id) => {
      if (requestIds.length < MAX_REQUEST_IDS) requestIds.push(id)
    },
    ...(assertion && { assertion: () => assertion().catch(assertionFailed) }),
  }
}

function assertionFailed(error: unknown): never {
  if (isCredentialVaultError(error)) throw error
  throw new CredentialVaultError(
    'unavailable',
    "openVault's option assertion failed, so there is no user token for the backend. Check what it calls.",
    {
      reason: 'assertion',
      retryable: true,
    },
  )
}
