import { type Answer, isAnswer } from '../request/answer.ts'
import { lineOf, type PageRequest } from '../request/page-request.ts'
import { type PageServices, viewerOf, watched } from '../request/page-services.ts'
import { type Admission, aboutLink, endedAnswer } from './admission.ts'
import { formPage } from './form-page.ts'
import { lostAnswer, ownerFields } from './owner-fields.ts'

/** Shows the form to the link's owner. Opening it changes nothing, so it may be opened again. */
export async function entry(services: PageServices, request: PageRequest, admission: Admission): Promise<Answer> {
  if (admission.state !== 'open') return endedAnswer(services, admission, admission.state, false)
  // Nothing can be saved while the audit log fails, so do not ask for a secret then.
  const line = { ...aboutLink(services, admission), ...lineOf(request) }
  await services.journal.grant({ type: 'form.opened', outcome: 'success', ...line })
  return { page: formPage(services, admission) }
}

/** Ends the request and wakes the waiting call. */
export async function cancel(services: PageServices, request: PageRequest, admission: Admission): Promise<Answer> {
  const { parts, renderer, messages } = services
  const fields = await ownerFields(services, request, admission)
  if (isAnswer(fields)) return fields
  // Claim first, so that a save in progress cannot be cancelled.
  const claim = await watched(services, 'pending-store', parts.pendingRequests.claim(admission.request))
  if (!claim) return lostAnswer(services, request, admission)
  await watched(services, 'pending-store', parts.pendingRequests.close(admission.request, 'cancelled'))
  return {
    page: renderer.message(messages.cancelled(viewerOf(services, admission.session), admission.provider.label)),
    event: { type: 'form.cancelled', outcome: 'success', ...aboutLink(services, admission) },
  }
}
