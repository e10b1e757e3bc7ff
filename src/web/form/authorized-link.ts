import { sameOwner } from '../../core/model/owner.ts'
import type { LinkTarget } from '../../core/network/form-urls.ts'
import type { FormProvider } from '../../core/ports/form-provider.ts'
import type { PendingRequest } from '../../core/ports/pending-request.ts'
import type { FoundRequest } from '../../core/requests/pending-requests.ts'
import type { Answer, PageEvent } from '../request/answer.ts'
import { lineOf, type PageRequest } from '../request/page-request.ts'
import { type PageServices, viewerOf } from '../request/page-services.ts'
import type { ReadSession, Session } from '../session/session.ts'

/** A link, and the session of its owner who opened it. */
export interface AuthorizedLink {
  readonly session: Session
  readonly target: LinkTarget
  readonly request: PendingRequest
  readonly state: FoundRequest['state']
  readonly provider: FormProvider
  /** Set if the form asks for some of the provider's variables only. */
  readonly isPartial?: true
  /** `Set-Cookie` lines that extend the session, sent with every answer. */
  readonly cookies: readonly string[]
}

/** The looks at the session and the link, which begin before it is known whether the address may ask for another page. */
export interface BegunLink {
  readonly target: LinkTarget
  readonly reading: Promise<ReadSession>
  readonly finding: Promise<FoundRequest | undefined>
}

/** Begins both looks at once. Undefined for a browser without a session, which gets the same page for every link and costs no look. */
export function beginLink(
  { parts, sessions }: PageServices,
  { ctx }: PageRequest,
  target: LinkTarget,
): BegunLink | undefined {
  const session = sessions.peek(ctx.req)
  if (!session) return undefined
  const reading = sessions.read(ctx.req, session)
  const finding = parts.pendingRequests.find(target.handle, session)
  // Whoever needs them awaits them. The session may be over, or the address over its limit.
  for (const begun of [reading, finding]) begun.catch(() => undefined)
  return { target, reading, finding }
}

/**
 * Checks that the signed-in user is the link's owner, which is the central check of this package. Everyone else gets the returned answer.
 * Users who are not signed in get the same page for every link; users who are not the owner get the same refusal for every link, whether it
 * exists or not. Neither uses the link up.
 */
export async function authorizeLink(
  services: PageServices,
  page: PageRequest,
  target: LinkTarget,
  {
    begun = beginLink(services, page, target),
    unsigned,
  }: { readonly begun: BegunLink | undefined; unsigned: 200 | 401 },
): Promise<AuthorizedLink | Answer> {
  const { parts, renderer, messages } = services
  const { session, cookies } = (await begun?.reading) ?? NOBODY
  if (!session) return { page: renderer.message(messages.signIn(target, unsigned)) }
  const found = await begun?.finding
  const request = found?.request
  if (!found || !request || request.provider !== target.provider || !sameOwner(request.user, session)) {
    // The answer must not take longer for a link that exists, and whose it is takes another look.
    const beside = () => parts.drain.during(() => noteMismatch(services, page, target, session)).catch(() => undefined)
    return { page: renderer.message(messages.notYours(viewerOf(services, session, target), target)), cookies, beside }
  }
  const provider = parts.providers.get(request.provider)
  if (!provider) return { page: renderer.message(messages.notOffered(viewerOf(services, session))), cookies }
  return { session, target, request, state: found.state, provider, cookies }
}

const NOBODY: ReadSession = { session: undefined, cookies: [] }

/** Writes that somebody opened another person's link, if it is one. */
async function noteMismatch(
  services: PageServices,
  page: PageRequest,
  { handle }: LinkTarget,
  session: Session,
): Promise<void> {
  const { pendingRequests } = services.parts
  const request = (await pendingRequests.find(handle))?.request
  if (!request || sameOwner(request.user, session)) return
  await services.journal.note({ ...mismatch(services, request, session), ...lineOf(page) })
}

function mismatch({ parts }: PageServices, request: PendingRequest, session: Session): PageEvent {
  const { issuer, subject } = request.user
  return {
    type: 'form.identity_mismatch',
    outcome: 'denied',
    owner: { issuer, subject },
    actor: { kind: 'user', owner: { issuer: session.issuer, subject: session.subject } },
    provider: request.provider,
    request: parts.pendingRequests.label(request),
  }
}

/** Answers the owner of a link that is not open any more. */
export function endedAnswer(
  services: PageServices,
  { session, target }: Pick<AuthorizedLink, 'session' | 'target'>,
  state: Exclude<FoundRequest['state'], 'open'>,
  submitted: boolean,
): Answer {
  const viewer = viewerOf(services, session, target)
  return { page: services.renderer.message(services.messages.ended(state, viewer, target, submitted)) }
}

/** Returns the fields of the audit line about an authorised link. */
export function aboutLink({ parts }: PageServices, { session, request }: Pick<AuthorizedLink, 'session' | 'request'>) {
  const { clientId } = request.user
  return {
    owner: { issuer: session.issuer, subject: session.subject },
    provider: request.provider,
    request: parts.pendingRequests.label(request),
    ...(clientId === undefined || clientId === '' ? {} : { clientId }),
    ...(request.tool === undefined ? {} : { tool: request.tool }),
  }
}
