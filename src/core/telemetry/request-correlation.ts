import { newCorrelationId } from '../model/correlation-id.ts'

/** What the access log and the audit log say about one HTTP request. */
export interface RequestIds {
  /** Shared by all gates of the request's calls. Undefined until one of them is passed. */
  correlationId?: string
}

// On the object that the verifier made for this request, which SDKs hand on as it is. An AsyncLocalStorage would name another user's request
// where a tool runs its calls through a queue. Registered, because the command and the tools may come from two installed copies. A tool can
// reach it, so it answers the id and takes none.
const REQUEST = Symbol.for('mcp-credential-vault.request')
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** By the verifier's object, for the gates of this copy. No tool can reach it. */
const followed = new WeakMap<object, RequestIds>()

/** Returns where the gates of this request's calls will leave their id. */
export function followRequest(authInfo: object | undefined): RequestIds {
  const ids: RequestIds = {}
  if (!authInfo) return ids
  followed.set(authInfo, ids)
  // Not enumerable, so that a copy for another request does not take it along.
  if (Object.isExtensible(authInfo)) Object.defineProperty(authInfo, REQUEST, { value: Object.freeze(() => idOf(ids)) })
  return ids
}

/** Returns the id of the HTTP request that a call came with, or a new one where no mount of ours has received it. */
export function correlationIdOf(authInfo: unknown): string {
  if (typeof authInfo !== 'object' || authInfo === null) return newCorrelationId()
  const ids = followed.get(authInfo)
  if (ids) return idOf(ids)
  // Whatever a tool has put there instead must not fail the call.
  const id = attempt(() => {
    const ask: unknown = REQUEST in authInfo ? authInfo[REQUEST] : undefined
    return typeof ask === 'function' ? ask() : undefined
  })
  return typeof id === 'string' && ID.test(id) ? id : newCorrelationId()
}

/**
 * Lets the HTTP request go by the id of the call's first leg, which came with an earlier request. Does nothing where another installed copy
 * received the request.
 */
export function keepCorrelationId(authInfo: unknown, correlationId: string): void {
  const ids = typeof authInfo === 'object' && authInfo !== null ? followed.get(authInfo) : undefined
  if (ids) ids.correlationId = correlationId
}

function idOf(ids: RequestIds): string {
  ids.correlationId ??= newCorrelationId()
  return ids.correlationId
}

function attempt(work: () => unknown): unknown {
  try {
    return work()
  } catch {
    return undefined
  }
}
