import { sameOwner } from '../model/owner.ts'
import type { NewRequest, PendingRequest, WaitEnd } from '../ports/pending-request.ts'
import type { RequestState } from './request-wait.ts'

/** The part of `PendingRequests` that finds a request again. */
interface RequestFinder {
  find(handle: string): Promise<{ readonly request: PendingRequest; readonly state: RequestState } | undefined>
  openOrReuse(wanted: NewRequest, options: { readonly waits: boolean }): Promise<PendingRequest>
  leave(request: PendingRequest): Promise<void>
}

/** Finds the request of an earlier leg as `PendingRequests.resume` promises, and makes no call wait for another one. */
export async function resumed(
  requests: RequestFinder,
  wanted: NewRequest,
  { handle, waits }: { readonly handle: string; readonly waits: boolean },
): Promise<PendingRequest | WaitEnd> {
  const found = await requests.find(handle)
  if (!found || !isFor(wanted, found.request)) return 'expired'
  if (!isOpen(found.state)) return found.state
  if (!waits) return found.request
  const reused = await requests.openOrReuse(wanted, { waits })
  if (reused.handle === handle) return reused
  // It ended meanwhile, or another web key is current now.
  await requests.leave(reused)
  const again = await requests.find(handle)
  if (!again) return 'expired'
  return isOpen(again.state) ? again.request : again.state
}

function isOpen(state: RequestState): state is 'open' | 'claimed' {
  return state === 'open' || state === 'claimed'
}

/** Whether the request is for the same owner, provider and OAuth client. */
export function isFor({ provider, user }: NewRequest, request: PendingRequest): boolean {
  return request.provider === provider && sameOwner(request.user, user) && request.user.clientId === user.clientId
}
