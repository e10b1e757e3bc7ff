import { sameOwner } from '../../core/model/owner.ts'
import type { LinkTarget } from '../../core/network/form-urls.ts'
import type { FormProvider } from '../../core/ports/form-provider.ts'
import type { PendingRequest } from '../../core/ports/pending-request.ts'
import type { FoundRequest } from '../../core/requests/pending-requests.ts'
import type { Answer, PageEvent } from '../request/answer.ts'
import type { PageRequest } from '../request/page-request.ts'
import { type PageServices, viewerOf } from '../request/page-services.ts'
import type { Session } from '../session/session.ts'

/** A link, and the session of its owner who opened it. */
export interface AuthorizedLink {
  readonly session: Session
  readonly target: LinkTarget
  readonly request: PendingRequest
  readonly state: FoundRequest['state']
  readonly provider: FormProvider
  /** `Set-Cookie` lines that extend the session, sent with every answer. */
  readonly cookies: readonly string[]
}

/**
 * Checks that the signed-in user is the link's owner, which is the central check of this package. Everyone else gets the returned answer.
 * Users who are not signed in get the same page for every link; users who are not the owner get the same refusal for every link, whether it
 * exists or not. Neither uses the link up.
 */
export async function authorizeLink(
  services: PageServices,
  { ctx }: PageRequest,
  target: LinkTarget,
  unsigned: 200 | 401,
): Promise<AuthorizedLink | Answer> {
  const { parts, renderer, messages, sessions } = services
  const { session, cookies } = await sessions.read(ctx.req)
  if (!session) return { page: renderer.message(messages.signIn(target, unsigned)) }
  const found = await parts.pendingRequests.find(target.handle)
  const request = found?.request
  if (!found || !request || request.provider !== target.provider || !sameOwner(request.user, session)) {
    const page = renderer.message(messages.notYours(viewerOf(services, session, target), target))
    if (!request || sameOwner(request.user, session)) return { page, cookies }
    // The answer must not take longer for a link that exists.
    return { page, cookies, eventBeside: mismatch(services, request, session) }
  }
  const provider = parts.providers.get(request.provider)
  if (!provider) return { page: renderer.message(messages.notOffered(viewerOf(services, session))), cookies }
  return { session, target, request, state: found.state, provider, cookies }
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
