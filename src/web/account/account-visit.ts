import { ownerHash } from '../../core/crypto/owner-hash.ts'
import type { Owner } from '../../core/model/owner.ts'
import { type StorageKey, storageKey } from '../../core/model/storage-key.ts'
import type { FormProvider } from '../../core/ports/form-provider.ts'
import { CSRF_FIELD, csrfToken, csrfTokenMatches } from '../http/csrf.ts'
import type { Viewer } from '../pages/page-renderer.ts'
import type { Action } from '../pages/page-views.ts'
import { type Answer, isAnswer, type PageEvent, rateLimited } from '../request/answer.ts'
import type { PageRequest } from '../request/page-request.ts'
import { type PageServices, viewerOf } from '../request/page-services.ts'
import { readFields, rejected } from '../request/posted-form.ts'
import type { Session } from '../session/session.ts'

/** A signed-in user on their own page. The owner comes from the session alone, never from the request. */
export interface AccountVisit {
  readonly session: Session
  readonly owner: Owner
  readonly viewer: Viewer
}

/** A visit to one service of this vault. */
export interface CredentialVisit extends AccountVisit {
  readonly provider: FormProvider
  readonly key: StorageKey
}

/** The actions of the page's buttons. Each has its own CSRF token. */
export type AccountAction = 'test' | 'connect' | 'reinstate' | 'revoke' | 'sign-out-everywhere'

type Handler = (services: PageServices, request: PageRequest) => Promise<Answer>
type AccountHandler<Visit> = (services: PageServices, request: PageRequest, visit: Visit) => Promise<Answer>

/** Wraps a handler so that only a signed-in user reaches it. */
export function forAccount(handle: AccountHandler<AccountVisit>): Handler {
  return async (services, request) => {
    const { renderer, messages, sessions } = services
    const { session, cookies } = await sessions.read(request.ctx.req)
    if (!session) {
      return { page: renderer.message(messages.signIn('account', request.ctx.method === 'POST' ? 401 : 200)) }
    }
    const owner = { issuer: session.issuer, subject: session.subject }
    const answer = await handle(services, request, { session, owner, viewer: viewerOf(services, session, 'account') })
    return { ...answer, cookies: [...cookies, ...(answer.cookies ?? [])] }
  }
}

/** Wraps a handler so that it gets one of the services that this vault serves, and the user's own credential for it. */
export function forCredential(handle: AccountHandler<CredentialVisit>): Handler {
  return forAccount(async (services, request, visit) => {
    const provider = services.parts.providers.get(String(request.ctx['params']['name']))
    if (!provider) return notServed(services, visit)
    return handle(services, request, { ...visit, provider, key: storageKey(provider.name, visit.owner) })
  })
}

/** Wraps a handler so that only the user's own press of this button reaches it. */
export function pressed<Visit extends AccountVisit & { readonly provider?: FormProvider }>(
  action: AccountAction,
  handle: AccountHandler<Visit>,
): AccountHandler<Visit> {
  return async (services, request, visit) => {
    const { parts, limits, renderer, messages } = services
    const { session, owner, viewer, provider } = visit
    const about: Partial<PageEvent> = { owner, ...(provider && { provider: provider.name }) }
    const wait = await limits.submits.take(ownerHash(parts.sealer, owner))
    if (wait > 0) return { ...rateLimited(services, wait), event: rejected('rate_limited', about) }
    const fields = await readFields(services, request, about)
    if (isAnswer(fields)) return fields
    if (!csrfTokenMatches(parts.sealer, session.id, purposeOf(action, provider), fields.get(CSRF_FIELD))) {
      return { page: renderer.message(messages.staleForm(viewer, 'account')), event: rejected('csrf', about) }
    }
    if (fields.size > 1) {
      return { page: renderer.message(messages.malformedForm()), event: rejected('unknown_field', about) }
    }
    return handle(services, request, visit)
  }
}

/** Returns the button for an action of this user. */
export function accountAction(
  { parts, site }: PageServices,
  { session }: Pick<AccountVisit, 'session'>,
  action: AccountAction,
  { label, provider, primary = false }: { label: string; provider?: FormProvider; primary?: boolean },
): Action {
  return {
    kind: 'post',
    label,
    ...(provider && { about: provider.label }),
    href: provider ? `${site.root}/${provider.name}/${action}` : `${site.root}/${action}`,
    fields: [[CSRF_FIELD, csrfToken(parts.sealer, session.id, purposeOf(action, provider))]],
    primary,
  }
}

export function notServed({ renderer, messages }: PageServices, { viewer }: Pick<AccountVisit, 'viewer'>): Answer {
  return { page: renderer.message(messages.notServed(viewer)) }
}

// The spaces keep these purposes apart from a link's handle and from the sign-out's.
function purposeOf(action: AccountAction, provider: FormProvider | undefined): string {
  return `account ${action} ${provider?.name ?? ''}`
}
