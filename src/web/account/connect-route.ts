import { currentState } from '../../core/lifecycle/state-of.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { PendingRequest } from '../../core/ports/pending-request.ts'
import { linkPath } from '../http/site.ts'
import { type Answer, seeOther } from '../request/answer.ts'
import { lineOf, type PageRequest } from '../request/page-request.ts'
import type { PageServices } from '../request/page-services.ts'
import type { CredentialVisit } from './account-visit.ts'

/**
 * Opens a pending request as a tool call does, and redirects the user to its form, which is the only way to save a credential. If a call of
 * the same user already waits for one, its request is reused, and the save wakes that call.
 */
export async function connect(services: PageServices, request: PageRequest, visit: CredentialVisit): Promise<Answer> {
  const { parts, site, journal, renderer, messages } = services
  const { owner, provider, key, viewer } = visit
  const { correlationId } = request
  const { state: cause } = await currentState(parts.owned, key, provider, { correlationId })
  const wanted = { provider: provider.name, user: owner, cause, openedBy: 'owner' } as const
  let opened: PendingRequest
  try {
    opened = await parts.pendingRequests.openOrReuse(wanted)
  } catch (error) {
    if (!isCredentialVaultError(error, 'pending_store_full')) throw error
    return { page: renderer.message(messages.tooManyLinks(viewer)), headers: { 'Retry-After': '60' } }
  }
  await journal.grant({
    type: 'credential.requested',
    outcome: 'success',
    ...(cause !== 'active' && { reason: cause }),
    owner,
    provider: provider.name,
    request: parts.pendingRequests.label(opened),
    ...lineOf(request),
  })
  return { page: seeOther(site, linkPath(site, 'entry', { provider: provider.name, handle: opened.handle })) }
}
