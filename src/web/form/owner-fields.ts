import { ownerHash } from '../../core/crypto/owner-hash.ts'
import { CSRF_FIELD, csrfTokenMatches } from '../http/csrf.ts'
import { type Answer, isAnswer, rateLimited } from '../request/answer.ts'
import { lineOf, type PageRequest } from '../request/page-request.ts'
import { type PageServices, viewerOf } from '../request/page-services.ts'
import { readFields, rejected } from '../request/posted-form.ts'
import { type AuthorizedLink, aboutLink, endedAnswer } from './authorized-link.ts'
import { csrfPurpose } from './partial-form.ts'

/** What the owner sent. */
export interface OwnerFields {
  readonly fields: ReadonlyMap<string, string>
  /** Whether the form asked for some of the provider's variables only. */
  readonly isPartial: boolean
}

/** Returns the fields of a submit or cancel that the owner sent from this link's own form, or the answer to any other request. */
export async function ownerFields(
  services: PageServices,
  request: PageRequest,
  authorized: AuthorizedLink,
): Promise<OwnerFields | Answer> {
  const { parts, limits, renderer, messages } = services
  const { session, target } = authorized
  const link = aboutLink(services, authorized)
  if (authorized.state !== 'open') {
    return { ...endedAnswer(services, authorized, authorized.state, true), event: rejected('not_open', link) }
  }
  const wait = await limits.submits.take(ownerHash(parts.sealer, session))
  if (wait > 0) return { ...rateLimited(services, wait), event: rejected('rate_limited', link) }
  const fields = await readFields(services, request, link)
  if (isAnswer(fields)) return fields
  const { request: asked } = authorized
  const isOf = (form: { readonly isPartial?: true }) =>
    csrfTokenMatches(parts.sealer, session.id, csrfPurpose({ request: asked, ...form }), fields.get(CSRF_FIELD))
  const isPartial = isOf({ isPartial: true })
  if (!isPartial && !isOf({})) {
    const page = renderer.message(messages.staleForm(viewerOf(services, session, target), target))
    return { page, event: rejected('csrf', link) }
  }
  return { fields, isPartial }
}

/**
 * Answers a submit that lost its link to another one or to expiry. The line is written first, because the store that is asked for the state
 * may be down.
 */
export async function lostAnswer(
  services: PageServices,
  request: PageRequest,
  authorized: AuthorizedLink,
): Promise<Answer> {
  const line = { ...rejected('not_open', aboutLink(services, authorized)), ...lineOf(request) }
  await services.journal.note(line)
  const { pendingRequests } = services.parts
  const found = await pendingRequests.find(authorized.target.handle)
  const state = found?.state ?? 'expired'
  return endedAnswer(services, authorized, state === 'open' ? 'claimed' : state, true)
}
