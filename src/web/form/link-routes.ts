import { type Answer, isAnswer } from '../request/answer.ts'
import { lineOf, type PageRequest } from '../request/page-request.ts'
import { type PageServices, viewerOf } from '../request/page-services.ts'
import { type AuthorizedLink, aboutLink, endedAnswer } from './authorized-link.ts'
import { formPage } from './form-page.ts'
import { lostAnswer, ownerFields } from './owner-fields.ts'
import { missingFieldsOnly } from './partial-form.ts'

/** Shows the form to the link's owner. Opening it changes nothing, so it may be opened again. */
export async function entry(services: PageServices, request: PageRequest, authorized: AuthorizedLink): Promise<Answer> {
  if (authorized.state !== 'open') return endedAnswer(services, authorized, authorized.state, false)
  // Nothing can be saved while the audit log fails, so do not ask for a secret then.
  const line = { ...aboutLink(services, authorized), ...lineOf(request) }
  await services.journal.grant({ type: 'form.opened', outcome: 'success', ...line })
  // When the backend is down, the whole form says the same as before the outage, and saving reports it.
  const asked = await missingFieldsOnly(services, request, authorized).catch(() => authorized)
  return { page: formPage(services, asked) }
}

/** Ends the request and wakes the waiting call. */
export async function cancel(
  services: PageServices,
  request: PageRequest,
  authorized: AuthorizedLink,
): Promise<Answer> {
  const { parts, renderer, messages } = services
  const sent = await ownerFields(services, request, authorized)
  if (isAnswer(sent)) return sent
  // Claim first, so that a save in progress cannot be cancelled.
  const claim = await parts.pendingRequests.claim(authorized.request)
  if (!claim) return lostAnswer(services, request, authorized)
  await parts.pendingRequests.close(authorized.request, 'cancelled')
  const viewer = viewerOf(services, authorized.session)
  return {
    page: renderer.message(messages.cancelled(viewer, authorized.provider.label, authorized.request.openedBy)),
    event: { type: 'form.cancelled', outcome: 'success', ...aboutLink(services, authorized) },
  }
}
