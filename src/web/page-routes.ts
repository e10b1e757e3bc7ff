import Router from '@koa/router'
import type { Middleware } from 'koa'
import { listCredentials, signOutEverywhere } from './account/account-page.ts'
import { forAccount, forCredential, pressed } from './account/account-visit.ts'
import { reinstate, testCredential } from './account/check-routes.ts'
import { connect } from './account/connect-route.ts'
import { confirmRevoke, revoke } from './account/revoke-routes.ts'
import { answerConsent, askConsent, type ClientLoginHandler } from './client-login/authorize-route.ts'
import { finishClientLogin, runningLogin } from './client-login/callback-route.ts'
import { type AuthorizedLink, authorizeLink, type BegunLink, beginLink } from './form/authorized-link.ts'
import { done } from './form/done-route.ts'
import { cancel, entry } from './form/link-routes.ts'
import { submit } from './form/submit-route.ts'
import { askedAsDocument } from './http/same-origin.ts'
import { linkTargetOf } from './http/site.ts'
import { beginLogin, finishLogin } from './login/login-routes.ts'
import { signOut } from './login/sign-out-route.ts'
import type { Assets } from './pages/assets.ts'
import { type Answer, isAnswer, rateLimited } from './request/answer.ts'
import type { PageRequest } from './request/page-request.ts'
import type { PageServices } from './request/page-services.ts'
import { refusePost } from './request/posted-form.ts'
import { respond } from './request/respond.ts'

type Handler = (services: PageServices, request: PageRequest, begun?: BegunLink) => Promise<Answer>
type LinkHandler = (services: PageServices, request: PageRequest, authorized: AuthorizedLink) => Promise<Answer>

interface Methods {
  readonly GET?: Handler
  readonly POST?: Handler
  /** Whether the page is about a link, which may be looked at while the limits are. */
  readonly isOfLink?: true
}

const account: Methods = { GET: forAccount(listCredentials) }

const PAGES: Readonly<Record<string, Methods>> = {
  '': account,
  // Express gives a handler that is mounted at the page's own address this path.
  '/': account,
  '/sign-out-everywhere': { POST: posted(forAccount(pressed('sign-out-everywhere', signOutEverywhere))) },
  '/:name/connect': { POST: posted(forCredential(pressed('connect', connect))) },
  '/:name/test': { POST: posted(forCredential(pressed('test', testCredential))) },
  '/:name/reinstate': { POST: posted(forCredential(pressed('reinstate', reinstate))) },
  '/:name/revoke': {
    GET: forCredential(confirmRevoke),
    POST: posted(forCredential(pressed('revoke', revoke))),
  },
  '/login': { POST: posted(beginLogin) },
  '/callback': { GET: finish },
  '/sign-out': { POST: posted(signOut) },
  '/:name/entry': { GET: forLink(entry), isOfLink: true },
  '/:name/submit': { POST: forLink(submit), isOfLink: true },
  '/:name/cancel': { POST: forLink(cancel), isOfLink: true },
  '/:name/done': { GET: forLink(done), isOfLink: true },
}

/** The pages on which MCP clients log in, where that is on. */
const CLIENT_LOGIN_PAGES: Readonly<Record<string, Methods>> = {
  '/authorize': { GET: forClient(askConsent), POST: posted(forClient(answerConsent)) },
}

export const CLIENT_LOGIN_PATHS: readonly string[] = Object.keys(CLIENT_LOGIN_PAGES)

/** The paths below the root, with `{name}` for a provider. */
export const PAGE_PATHS: readonly string[] = Object.keys(PAGES).map((path) => path.replace(':name', '{name}'))

/** Routes each path and method to its handler. Paths are plain; the handlers check names and handles. */
export function createRoutes(services: PageServices, files: Assets['files']): Middleware {
  const { site, journal, renderer, messages } = services
  // The base path is the operator's text, not a pattern.
  const root = site.root.replace(/[{}()[\]+?!:*\\]/g, '\\$&')
  const router = new Router({ sensitive: true, strict: true })
  const pages = { ...PAGES, ...(services.clientLogin && CLIENT_LOGIN_PAGES) }
  for (const [path, methods] of Object.entries(pages)) {
    router.all(`${root}${path}`, async (ctx) => {
      const request: PageRequest = ctx.state['request']
      await respond(journal, request, await answerOf(services, request, methods))
    })
  }
  router.all(`${root}/assets/:file`, async (ctx, next) => {
    const asset = files.get(ctx.path)
    if (!asset) return next()
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      const page = renderer.message(messages.wrongMethod(undefined))
      return respond(journal, ctx.state['request'], { page, headers: { Allow: 'GET, HEAD' } })
    }
    ctx.set('Cache-Control', 'public, max-age=31536000, immutable')
    ctx.type = asset.type
    ctx.body = asset.body
  })
  return router.routes() as unknown as Middleware
}

/** Runs the checks that every page has in common, then its handler. */
async function answerOf(services: PageServices, request: PageRequest, methods: Methods): Promise<Answer> {
  const { limits, renderer, messages } = services
  const { ctx, address } = request
  // Answers HEAD like GET but looks nothing up, so it reveals nothing about the link and has no effect.
  if (ctx.method === 'HEAD' && methods.GET) return { page: { status: 200, html: '' } }
  const handler = ctx.method === 'GET' ? methods.GET : ctx.method === 'POST' ? methods.POST : undefined
  if (!handler) {
    const target = linkTargetOf(ctx['params']['name'], ctx.querystring)
    const headers = { Allow: [...(methods.GET ? ['GET, HEAD'] : []), ...(methods.POST ? ['POST'] : [])].join(', ') }
    return { page: renderer.message(messages.wrongMethod(target)), headers }
  }
  if (ctx.method === 'GET' && !askedAsDocument(ctx.req.headers)) {
    return { page: renderer.message(messages.notADocument()) }
  }
  const waiting = limits.pages.take(address)
  // An address that is over its limit costs the limit's own look and no other.
  const begun = methods.isOfLink && !limits.pages.isOver(address) ? begunLink(services, request) : undefined
  const wait = await waiting
  if (wait > 0) return rateLimited(services, wait)
  return handler(services, request, begun)
}

/** Begins what a page about a link looks at, unless the handler will refuse the request unseen. */
function begunLink(services: PageServices, request: PageRequest): BegunLink | undefined {
  const target = targetOf(request)
  return target && !refusedPost(services, request) ? beginLink(services, request, target) : undefined
}

function targetOf({ ctx }: PageRequest) {
  return linkTargetOf(ctx['params']['name'], ctx.querystring)
}

function refusedPost(services: PageServices, request: PageRequest): Answer | undefined {
  return request.ctx.method === 'POST' ? refusePost(services, request) : undefined
}

/** Wraps a handler so that only the link's owner reaches it. */
function forLink(handle: LinkHandler): Handler {
  return async (services, request, begun) => {
    const { renderer, messages } = services
    const target = targetOf(request)
    if (!target) return { page: renderer.message(messages.malformed()) }
    const refused = refusedPost(services, request)
    if (refused) return refused
    const unsigned = request.ctx.method === 'POST' ? 401 : 200
    const authorized = await authorizeLink(services, request, target, { begun, unsigned })
    if (isAnswer(authorized)) return authorized
    const answer = await handle(services, request, authorized)
    return { ...answer, cookies: [...authorized.cookies, ...(answer.cookies ?? [])] }
  }
}

/** The identity provider knows one callback: its answer belongs to a login of the pages, or to one of an MCP client. */
async function finish(services: PageServices, request: PageRequest): Promise<Answer> {
  const { clientLogin } = services
  const running = runningLogin(clientLogin, request.ctx.querystring)
  if (!clientLogin || !running) return finishLogin(services, request)
  return finishClientLogin(running)(services, request, clientLogin)
}

function forClient(handle: ClientLoginHandler): Handler {
  return async (services, request) => {
    const { clientLogin, renderer, messages } = services
    return clientLogin ? handle(services, request, clientLogin) : { page: renderer.message(messages.notFound()) }
  }
}

function posted(handle: Handler): Handler {
  return async (services, request) => refusePost(services, request) ?? handle(services, request)
}
