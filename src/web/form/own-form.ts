import { CSRF_FIELD, csrfTokenMatches } from '../http/csrf.ts'
import { readFields, rejected } from '../visit/posted-form.ts'
import { answerRateLimited } from '../visit/rate-limited.ts'
import { answer, type Desk, type Visit, viewerOf, watched } from '../visit/visit.ts'
import { type Admission, aboutLink, answerEnded } from './admission.ts'

/** Fields of a submit or cancel that came from the owner's own form of this very link. */
export async function ownFields(
  desk: Desk,
  visit: Visit,
  admission: Admission,
): Promise<ReadonlyMap<string, string> | undefined> {
  const { parts, limits, renderer, messages } = desk
  const { session, request, target } = admission
  const link = aboutLink(desk, admission)
  if (admission.state !== 'open') {
    await rejected(desk, visit, 'not_open', link)
    answerEnded(desk, visit, admission, admission.state, true)
    return undefined
  }
  const wait = await limits.submits.take(
    parts.sealer.mac('owner', session.issuer, session.subject).toString('base64url'),
  )
  if (wait > 0) {
    await rejected(desk, visit, 'rate_limited', link)
    answerRateLimited(desk, visit, wait)
    return undefined
  }
  const fields = await readFields(desk, visit, link)
  if (!fields) return undefined
  if (!csrfTokenMatches(parts.sealer, session.id, request.handle, fields.get(CSRF_FIELD))) {
    await rejected(desk, visit, 'csrf', link)
    answer(visit.ctx, renderer.message(messages.staleForm(viewerOf(desk, session, target), target)))
    return undefined
  }
  return fields
}

/** Another submit was faster, or the link has just ended. */
export async function answerLost(desk: Desk, visit: Visit, admission: Admission): Promise<void> {
  await rejected(desk, visit, 'not_open', aboutLink(desk, admission))
  const found = await watched(desk, 'pending-store', desk.parts.pendingRequests.find(admission.target.handle))
  const state = found?.state ?? 'expired'
  answerEnded(desk, visit, admission, state === 'open' ? 'claimed' : state, true)
}
