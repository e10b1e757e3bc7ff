import { type Answer, isAnswer } from '../request/answer.ts'
import type { PageRequest } from '../request/page-request.ts'
import { type PageServices, viewerOf, watched } from '../request/page-services.ts'
import { type Admission, aboutLink } from './admission.ts'
import { lostAnswer, ownerFields } from './owner-fields.ts'

/** Ends the request, so that the waiting call learns of it at once. */
export async function cancel(services: PageServices, request: PageRequest, admission: Admission): Promise<Answer> {
  const { parts, renderer, messages } = services
  const fields = await ownerFields(services, request, admission)
  if (isAnswer(fields)) return fields
  // A submit that is saving right now must not be cancelled under its hands.
  const claim = await watched(services, 'pending-store', parts.pendingRequests.claim(admission.request))
  if (!claim) return lostAnswer(services, request, admission)
  await watched(services, 'pending-store', parts.pendingRequests.close(admission.request, 'cancelled'))
  return {
    page: renderer.message(messages.cancelled(viewerOf(services, admission.session), admission.provider.label)),
    event: { type: 'form.cancelled', outcome: 'success', ...aboutLink(services, admission) },
  }
}
