import type { LinkTarget } from '../http/site.ts'
import { acceptPost } from '../visit/posted-form.ts'
import { about, answer, type Desk, type Visit, viewerOf, watched } from '../visit/visit.ts'
import { aboutLink, admit } from './admission.ts'
import { answerLost, ownFields } from './own-form.ts'

/** Ends the request, so that the waiting call learns of it at once. */
export async function cancel(desk: Desk, visit: Visit, target: LinkTarget): Promise<void> {
  const { parts, journal, renderer, messages } = desk
  if (!(await acceptPost(desk, visit))) return
  const admission = await admit(desk, visit, target, 401)
  if (!admission) return
  if (!(await ownFields(desk, visit, admission))) return
  // A submit that is saving right now must not be cancelled under its hands.
  const claim = await watched(desk, 'pending-store', parts.pendingRequests.claim(admission.request))
  if (!claim) return answerLost(desk, visit, admission)
  await watched(desk, 'pending-store', parts.pendingRequests.close(admission.request, 'cancelled'))
  await journal.note({ type: 'form.cancelled', outcome: 'success', ...aboutLink(desk, admission), ...about(visit) })
  const viewer = viewerOf(desk, admission.session)
  answer(visit.ctx, renderer.message(messages.cancelled(viewer, admission.provider.label)))
}
