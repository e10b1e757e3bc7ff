import type { Middleware } from 'koa'
import { newCorrelationId } from '../core/model/correlation-id.ts'
import { isCredentialVaultError } from '../core/model/errors.ts'
import { isSharedStoreProblem } from '../core/network/service-outage.ts'
import { answerOAuthEndpoint, OAUTH_PATHS } from './client-login/oauth-endpoints.ts'
import { clientLoginServices } from './client-state/client-login-services.ts'
import { clientAddress } from './http/client-address.ts'
import { hostMatches } from './http/host-check.ts'
import type { OwnRoutes } from './http/own-routes.ts'
import { pageLimits } from './http/page-limits.ts'
import { securityHeaders, setHeaders } from './http/security-headers.ts'
import { linkTargetOf, siteOf } from './http/site.ts'
import type { WebParts } from './http/web-parts.ts'
import { CLIENT_LOGIN_PATHS, createRoutes, PAGE_PATHS } from './page-routes.ts'
import { loadAssets } from './pages/assets.ts'
import { renderGuide } from './pages/guide.ts'
import { createMessages } from './pages/messages.ts'
import { createPageRenderer } from './pages/page-renderer.ts'
import type { Answer } from './request/answer.ts'
import type { PageRequest } from './request/page-request.ts'
import type { PageServices } from './request/page-services.ts'
import { respond } from './request/respond.ts'
import { createLoginCookies } from './session/login-cookie.ts'
import { createCookieSealer } from './session/sealed-cookie.ts'
import { createSessions } from './session/session.ts'

/** Serves the pages: the form, the user's own page, login, callback, sign-out and their assets. Handles everything below `{base path}/credentials`. */
export function createVaultRoutes(parts: WebParts): OwnRoutes {
  const { services, headers, files } = createServices(parts)
  const { site, journal, renderer, messages } = services
  const router = createRoutes(services, files)

  const owns = (path: string) => path === site.root || path.startsWith(`${site.root}/`)

  const middleware: Middleware = async (ctx, next) => {
    // A request line such as `GET a://?x` has no path, although Koa's types say otherwise.
    if (typeof ctx.path !== 'string') {
      ctx.status = 400
      return
    }
    if (!owns(ctx.path)) return next()
    setHeaders(ctx, headers)
    const correlationId = newCorrelationId()
    const request: PageRequest = { ctx, correlationId, address: clientAddress(ctx.req, parts.options.trustedProxies) }
    ctx.state['request'] = request
    if (await answerOAuthEndpoint(services, request)) return
    try {
      if (!hostMatches(ctx.req.headers.host, parts.serverBaseUrl)) {
        return await respond(journal, request, { page: renderer.message(messages.wrongHost()) })
      }
      if (!ctx.path.startsWith(`${site.root}/assets/`)) await parts.mayServe?.()
      await router(ctx, () => respond(journal, request, { page: renderer.message(messages.notFound()) }))
    } catch (error) {
      for (const name of ctx.res.getHeaderNames()) ctx.remove(name)
      setHeaders(ctx, headers)
      await respond(journal, request, errorAnswer(error, request))
    }
  }

  // Koa's own handler would drop every header and print the error, which may contain typed values.
  function errorAnswer(error: unknown, { ctx, correlationId }: PageRequest): Answer {
    const code = isCredentialVaultError(error) ? error.code : 'unexpected'
    const headers = { 'Retry-After': '10' }
    if (isSharedStoreProblem(error)) {
      const target = linkTargetOf(ctx['params']?.['name'], ctx.querystring)
      const page = renderer.message(messages.requestsUnavailable(correlationId, target))
      // An outage is reported by the connection, once.
      const problem = `A page of the credential vault failed: ${error.message} (${code}, reference ${correlationId})`
      return { page, headers, ...(code !== 'unavailable' && { problem }) }
    }
    if (isCredentialVaultError(error, 'unavailable', 'audit_unavailable')) {
      return { page: renderer.message(messages.unavailable(correlationId)), headers }
    }
    const page = renderer.message(messages.unexpected(correlationId))
    // The failed attempt has warned once. Strangers may ask for pages as often as they like.
    if (isCredentialVaultError(error) && error.reason === 'tier_keys') return { page }
    return { page, problem: `A page of the credential vault failed: ${code}, reference ${correlationId}` }
  }

  const clientPaths = services.clientLogin ? [...CLIENT_LOGIN_PATHS, ...Object.values(OAUTH_PATHS)] : []
  const openPaths = [...PAGE_PATHS, ...clientPaths, '/assets/*'].map((path) => site.root + path)
  return { middleware, owns, openPaths }
}

function createServices(parts: WebParts) {
  const { serverBaseUrl, sealer, sessions, options, identity, providers } = parts
  const site = siteOf(serverBaseUrl)
  const assets = loadAssets(site)
  const guides = new Map<string, string>()
  const { browserLogin } = identity
  const cookies = createCookieSealer(sealer, site, browserLogin.policy)
  const banner = browserLogin.hasLogin
    ? identity.banner
    : 'Local mode, without a login: whoever can open this page on this computer counts as its one user.'
  const services: PageServices = {
    parts,
    site,
    sessions: createSessions({ site, sealer, cookies, login: browserLogin, sessions, options }),
    logins: createLoginCookies(site, cookies),
    clientLogin: clientLoginServices(parts, site, cookies),
    limits: pageLimits(options.rateLimits, parts.countUse),
    journal: parts.journal,
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
  return { services, headers: securityHeaders(site, assets, options.hstsIncludeSubdomains), files: assets.files }
}
