import { ownerHash } from '../../core/crypto/owner-hash.ts'
import { CSRF_FIELD, csrfTokenMatches } from '../http/csrf.ts'
import { type Answer, isAnswer, rateLimited } from '../request/answer.ts'
import { lineOf, type PageRequest } from '../request/page-request.ts'
import { type PageServices, viewerOf, watched } from '../request/page-services.ts'
import { readFields, rejected } from '../request/posted-form.ts'
import { type Admission, aboutLink, endedAnswer } from './admission.ts'

/** Fields of a submit or cancel that came from the owner's own form of this very link, or the answer to any other. */
export async function ownerFields(
  services: PageServices,
  request: PageRequest,
  admission: Admission,
): Promise<ReadonlyMap<string, string> | Answer> {
  const { parts, limits, renderer, messages } = services
  const { session, target } = admission
  const link = aboutLink(services, admission)
  if (admission.state !== 'open') {
    return { ...endedAnswer(services, admission, admission.state, true), event: rejected('not_open', link) }
  }
  const wait = await limits.submits.take(ownerHash(parts.sealer, session))
  if (wait > 0) return { ...rateLimited(services, wait), event: rejected('rate_limited', link) }
  const fields = await readFields(services, request, link)
  if (isAnswer(fields)) return fields
  if (!csrfTokenMatches(parts.sealer, session.id, admission.request.handle, fields.get(CSRF_FIELD))) {
    const page = renderer.message(messages.staleForm(viewerOf(services, session, target), target))
    return { page, event: rejected('csrf', link) }
  }
  return fields
}

/** Another submit was faster, or the link has just ended. The line comes first: the store that is asked for the state may be away. */
export async function lostAnswer(services: PageServices, request: PageRequest, admission: Admission): Promise<Answer> {
  const line = { ...rejected('not_open', aboutLink(services, admission)), ...lineOf(request) }
  await services.journal.note(line)
  const { pendingRequests } = services.parts
  const found = await watched(services, 'pending-store', pendingRequests.find(admission.target.handle))
  const state = found?.state ?? 'expired'
  return endedAnswer(services, admission, state === 'open' ? 'claimed' : state, true)
}
