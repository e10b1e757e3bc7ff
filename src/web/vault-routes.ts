import Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import { newCorrelationId } from '../core/credentials.ts'
import { isVaultError } from '../core/errors.ts'
import { loadAssets } from './assets.ts'
import { cancel } from './cancel-route.ts'
import { addressKey, clientAddress } from './client-address.ts'
import { done, entry } from './entry-route.ts'
import { renderGuide } from './guide.ts'
import { hostMatches } from './host-check.ts'
import { createJournal } from './journal.ts'
import { linkTargetOf } from './link-target.ts'
import { createLoginCookies } from './login-cookie.ts'
import { beginLogin, finishLogin } from './login-routes.ts'
import { createMessages } from './messages.ts'
import { createPageRenderer } from './pages.ts'
import { pageLimits } from './rate-limit.ts'
import { answerRateLimited } from './rate-limited.ts'
import { askedAsDocument } from './same-origin.ts'
import { securityHeaders, setHeaders } from './security-headers.ts'
import { createSessions } from './session.ts'
import { signOut } from './sign-out-route.ts'
import { type LinkTarget, siteOf } from './site.ts'
import { submit } from './submit-route.ts'
import { answer, type Desk, type Handler, type Visit } from './visit.ts'
import type { WebParts } from './web-parts.ts'

export interface VaultRoutes {
  /** Handles everything below `{base path}/credentials` and passes everything else on. */
  readonly middleware: Middleware
  /** What browsers must reach without a bearer token; `{name}` stands for a provider, `*` for any file. */
  readonly openPaths: readonly string[]
}

/** The pages: form, login, callback, sign-out and their assets. */
export function createVaultRoutes(parts: WebParts): VaultRoutes {
  const desk = createDesk(parts)
  const { site, renderer, messages } = desk.desk
  const headers = desk.headers
  const router = createRouter(desk.desk, desk.files)

  const middleware: Middleware = async (ctx, next) => {
    if (ctx.path !== site.root && !ctx.path.startsWith(`${site.root}/`)) return next()
    setHeaders(ctx, headers)
    const correlationId = newCorrelationId()
    const visit: Visit = { ctx, correlationId, address: clientAddress(ctx.req, parts.options.trustedProxies) }
    ctx.state['visit'] = visit
    try {
      if (!hostMatches(ctx.req.headers.host, parts.serverBaseUrl)) {
        return answer(ctx, renderer.message(messages.wrongHost()))
      }
      await router(ctx, async () => answer(ctx, renderer.message(messages.notFound())))
    } catch (error) {
      answerError(ctx, error, correlationId)
    }
  }

  // Koa's own handler would drop every header and print the error, which may hold what was typed.
  function answerError(ctx: Context, error: unknown, correlationId: string): void {
    for (const name of ctx.res.getHeaderNames()) ctx.remove(name)
    setHeaders(ctx, headers)
    if (isVaultError(error, 'unavailable', 'audit_unavailable')) {
      ctx.set('Retry-After', '10')
      answer(ctx, renderer.message(messages.unavailable(correlationId)))
      return
    }
    const code = isVaultError(error) ? error.code : 'unexpected'
    ctx.app.emit('error', new Error(`A page of the credential vault failed: ${code}, reference ${correlationId}`), ctx)
    answer(ctx, renderer.message(messages.unexpected(correlationId)))
  }

  const openPaths = [
    '{name}/entry',
    '{name}/submit',
    '{name}/cancel',
    '{name}/done',
    'login',
    'callback',
    'sign-out',
    'assets/*',
  ]
  return { middleware, openPaths: openPaths.map((path) => `${site.root}/${path}`) }
}

function createDesk(parts: WebParts) {
  const { serverBaseUrl, sealer, sessions, options, identity, providers } = parts
  const site = siteOf(serverBaseUrl)
  const assets = loadAssets(site)
  const guides = new Map<string, string>()
  const { browserLogin } = identity
  const banner =
    browserLogin.mode === 'local-user'
      ? 'Local mode, without a login: whoever can open this page on this computer counts as its one user.'
      : undefined
  const desk: Desk = {
    parts,
    site,
    sessions: createSessions({ site, sealer, sessions, options }),
    logins: createLoginCookies(site, sealer),
    limits: pageLimits(options.rateLimits),
    journal: createJournal(parts.audit, parts.health),
    renderer: createPageRenderer({ site, assets, serverName: options.serverName, banner }),
    messages: createMessages(site, browserLogin),
    guideOf(name) {
      const doc = providers.get(name)?.doc
      if (doc === undefined || doc.trim() === '') return undefined
      const known = guides.get(name)
      if (known !== undefined) return known
      const rendered = renderGuide(doc)
      guides.set(name, rendered)
      return rendered
    },
  }
  return { desk, headers: securityHeaders(site, assets, options.hstsIncludeSubdomains), files: assets.files }
}

type LinkHandler = (desk: Desk, visit: Visit, target: LinkTarget) => Promise<void>

function createRouter(desk: Desk, files: ReturnType<typeof loadAssets>['files']): Middleware {
  const { site, limits, renderer, messages } = desk
  // The base path is the operator's text, not a pattern.
  const root = site.root.replace(/[{}()[\]+?!:*\\]/g, '\\$&')
  const router = new Router({ sensitive: true, strict: true })

  function route(path: string, methods: { readonly GET?: Handler; readonly POST?: Handler }): void {
    router.all(`${root}/${path}`, async (ctx) => {
      const visit: Visit = ctx.state['visit']
      const handler = ctx.method === 'GET' ? methods.GET : ctx.method === 'POST' ? methods.POST : undefined
      if (ctx.method === 'HEAD' && methods.GET) return answerHead(ctx)
      if (!handler) {
        ctx.set('Allow', methods.GET ? 'GET, HEAD' : 'POST')
        const target = linkTargetOf(ctx.params['name'], ctx.querystring)
        return answer(ctx, renderer.message(messages.wrongMethod(target)))
      }
      if (ctx.method === 'GET' && !askedAsDocument(ctx.req.headers)) {
        return answer(ctx, renderer.message(messages.notADocument()))
      }
      const wait = await limits.pages.take(addressKey(visit.address))
      return wait > 0 ? answerRateLimited(desk, visit, wait) : handler(visit)
    })
  }

  const forLink =
    (handle: LinkHandler): Handler =>
    async (visit) => {
      const target = linkTargetOf(visit.ctx['params']['name'], visit.ctx.querystring)
      return target ? handle(desk, visit, target) : answer(visit.ctx, renderer.message(messages.malformed()))
    }

  route('login', { POST: (visit) => beginLogin(desk, visit) })
  route('callback', { GET: (visit) => finishLogin(desk, visit) })
  route('sign-out', { POST: (visit) => signOut(desk, visit) })
  route(':name/entry', { GET: forLink(entry) })
  route(':name/submit', { POST: forLink(submit) })
  route(':name/cancel', { POST: forLink(cancel) })
  route(':name/done', { GET: forLink(done) })
  router.all(`${root}/assets/:file`, async (ctx, next) => {
    const asset = files.get(ctx.path)
    if (!asset) return next()
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      ctx.set('Allow', 'GET, HEAD')
      return answer(ctx, renderer.message(messages.wrongMethod(undefined)))
    }
    ctx.set('Cache-Control', 'public, max-age=31536000, immutable')
    ctx.type = asset.type
    ctx.body = asset.body
  })
  return router.routes() as unknown as Middleware
}

/** Like a GET, but nothing is looked up: it says nothing about the link and has no effect. */
function answerHead(ctx: Context): void {
  ctx.status = 200
  ctx.type = 'text/html; charset=utf-8'
  ctx.body = ''
}
