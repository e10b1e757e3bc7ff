import { newCorrelationId } from '../model/correlation-id.ts'

/** What the access log and the audit log say about one HTTP request. */
export interface RequestIds {
  /** Shared by all gates of the request's calls. Undefined until one of them is passed. */
  correlationId?: string
}

// On the object that the verifier made for this request, which SDKs hand on as it is. An AsyncLocalStorage would name another user's request
// where a tool runs its calls through a queue. Registered, because the command and the tools may come from two installed copies.
const REQUEST = Symbol.for('mcp-credential-vault.request')

/** Returns where the gates of this request's calls will leave their id. */
export function followRequest(authInfo: object | undefined): RequestIds {
  const ids: RequestIds = {}
  // Not enumerable, so that a copy for another request does not take it along.
  if (authInfo && Object.isExtensible(authInfo)) Object.defineProperty(authInfo, REQUEST, { value: ids })
  return ids
}

/** Returns the id of the HTTP request that a call came with, or a new one where no mount of ours has received it. */
export function correlationIdOf(authInfo: unknown): string {
  const ids = idsOf(authInfo)
  if (!ids) return newCorrelationId()
  ids.correlationId ??= newCorrelationId()
  return ids.correlationId
}

/** Lets the HTTP request go by the id of the call's first leg, which came with an earlier request. */
export function keepCorrelationId(authInfo: unknown, correlationId: string): void {
  const ids = idsOf(authInfo)
  if (ids) ids.correlationId = correlationId
}

function idsOf(authInfo: unknown): RequestIds | undefined {
  if (typeof authInfo !== 'object' || authInfo === null || !(REQUEST in authInfo)) return undefined
  return authInfo[REQUEST] as RequestIds
}
