import { stateOf, withLongestLife } from '../../core/lifecycle/state-of.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { PendingRequest } from '../../core/ports/pending-request.ts'
import { linkPath } from '../http/site.ts'
import { type Answer, seeOther } from '../request/answer.ts'
import { lineOf, type PageRequest } from '../request/page-request.ts'
import { type PageServices, watched } from '../request/page-services.ts'
import type { CredentialVisit } from './account-visit.ts'

/**
 * Opens a request for the form as a tool call does, and sends the user there. There is no other way to save a credential. A request of the
 * same user that is open already is used, and then its waiting call goes on with what they save.
 */
export async function connect(services: PageServices, request: PageRequest, visit: CredentialVisit): Promise<Answer> {
  const { parts, site, journal, renderer, messages } = services
  const { owner, provider, key, viewer } = visit
  const { correlationId } = request
  const status = withLongestLife(await parts.owned.status(key, { correlationId }), provider.expiry?.maxAgeDays)
  const cause = stateOf(status, provider.variables, Date.now())
  const wanted = { provider: provider.name, user: owner, cause, openedBy: 'owner' } as const
  let opened: PendingRequest
  try {
    opened = await watched(services, 'pending-store', parts.pendingRequests.openOrReuse(wanted))
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
