import { sameOwner } from '../../core/model/owner.ts'
import type { FormProvider } from '../../core/ports/form-provider.ts'
import type { PendingRequest } from '../../core/ports/pending-request.ts'
import type { FoundRequest } from '../../core/requests/pending-requests.ts'
import type { LinkTarget } from '../http/site.ts'
import type { Session } from '../session/session.ts'
import { about, answer, type Desk, type Visit, viewerOf, watched } from '../visit/visit.ts'

/** The link's own owner, at a link that is theirs. */
export interface Admission {
  readonly session: Session
  readonly target: LinkTarget
  readonly request: PendingRequest
  readonly state: FoundRequest['state']
  readonly provider: FormProvider
}

/**
 * The check that the product is about: whoever is at the browser is the one whose link it is. Answers everybody else itself and
 * resolves undefined. Who is not signed in gets the same page for every link; who is not the owner gets the same refusal for every
 * link, known or not; neither uses the link up.
 */
export async function admit(
  desk: Desk,
  visit: Visit,
  target: LinkTarget,
  unsigned: 200 | 401,
): Promise<Admission | undefined> {
  const { parts, renderer, messages, sessions } = desk
  const session = await sessions.read(visit.ctx)
  if (!session) {
    answer(visit.ctx, renderer.message(messages.signIn(target, unsigned)))
    return undefined
  }
  const found = await watched(desk, 'pending-store', parts.pendingRequests.find(target.handle))
  const request = found?.request
  if (!found || !request || request.provider !== target.provider || !sameOwner(request.user, session)) {
    // Not waited for: a link that exists must not be answered later than one that does not.
    if (request && !sameOwner(request.user, session)) void recordMismatch(desk, visit, request, session)
    answer(visit.ctx, renderer.message(messages.notYours(viewerOf(desk, session, target), target)))
    return undefined
  }
  const provider = parts.providers.get(request.provider)
  if (!provider) {
    answer(visit.ctx, renderer.message(messages.notOffered(viewerOf(desk, session))))
    return undefined
  }
  return { session, target, request, state: found.state, provider }
}

async function recordMismatch(desk: Desk, visit: Visit, request: PendingRequest, session: Session): Promise<void> {
  const { issuer, subject } = request.user
  await desk.journal.note({
    type: 'form.identity_mismatch',
    outcome: 'denied',
    owner: { issuer, subject },
    actor: { kind: 'user', owner: { issuer: session.issuer, subject: session.subject } },
    provider: request.provider,
    request: desk.parts.pendingRequests.label(request),
    ...about(visit),
  })
}

/** Tells the owner what became of a link that is not open. */
export function answerEnded(
  desk: Desk,
  visit: Visit,
  { session, target }: Pick<Admission, 'session' | 'target'>,
  state: Exclude<FoundRequest['state'], 'open'>,
  submitted: boolean,
): void {
  const viewer = viewerOf(desk, session, target)
  answer(visit.ctx, desk.renderer.message(desk.messages.ended(state, viewer, target, submitted)))
}

/** The audit line's part about a link that was admitted. */
export function aboutLink(desk: Desk, { session, request }: Pick<Admission, 'session' | 'request'>) {
  const { clientId } = request.user
  return {
    owner: { issuer: session.issuer, subject: session.subject },
    provider: request.provider,
    request: desk.parts.pendingRequests.label(request),
    ...(clientId === undefined || clientId === '' ? {} : { clientId }),
    ...(request.tool === undefined ? {} : { tool: request.tool }),
  }
}
