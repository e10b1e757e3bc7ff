import type { Context } from 'koa'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { ClientLoginServices } from '../client-state/client-login-services.ts'
import { hostMatches } from '../http/host-check.ts'
import { programHeaders, setHeaders } from '../http/security-headers.ts'
import { lineOf, type PageRequest } from '../request/page-request.ts'
import type { PageServices } from '../request/page-services.ts'
import { type OAuthAnswer, type OAuthHandler, refusal, tryLater } from './oauth-answer.ts'
import { register } from './register-route.ts'
import { issueTokens } from './token-route.ts'

/** The paths below the root that programs ask, not browsers. */
export const OAUTH_PATHS = { token: '/token', register: '/register' } as const

const HANDLERS: ReadonlyMap<string, OAuthHandler> = new Map([
  [OAUTH_PATHS.token, issueTokens],
  [OAUTH_PATHS.register, register],
])

const READ_ALREADY =
  'A request of an MCP client was read by another body parser first. Mount vault.nodeHandler(), or call vault.register(), before the parser.'

/** Any web page may ask: the answers depend on no cookie. */
const SHARED = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': 'Retry-After' }
const PREFLIGHT = {
  ...SHARED,
  'Access-Control-Allow-Methods': 'POST',
  'Access-Control-Allow-Headers': 'Accept, Authorization, Content-Type, Mcp-Protocol-Version',
  'Access-Control-Max-Age': '600',
}

/**
 * Answers a request to one of the program paths. Returns false for any other path, and where clients log in at the identity provider itself.
 */
export async function answerOAuthEndpoint(services: PageServices, request: PageRequest): Promise<boolean> {
  const { site, parts, clientLogin } = services
  const { ctx } = request
  const handler = ctx.path.startsWith(site.root) ? HANDLERS.get(ctx.path.slice(site.root.length)) : undefined
  if (!handler || !clientLogin) return false
  for (const name of ctx.res.getHeaderNames()) ctx.remove(name)
  setHeaders(ctx, programHeaders(site.secure, parts.options.hstsIncludeSubdomains))
  if (ctx.method === 'OPTIONS') {
    ctx.set(PREFLIGHT)
    ctx.status = 204
    return true
  }
  ctx.set({ ...SHARED, Pragma: 'no-cache' })
  await send(services, request, await answerOf(services, request, handler, clientLogin))
  return true
}

async function answerOf(
  services: PageServices,
  request: PageRequest,
  handler: OAuthHandler,
  clientLogin: ClientLoginServices,
): Promise<OAuthAnswer> {
  const { ctx, correlationId } = request
  if (!hostMatches(ctx.req.headers.host, services.parts.serverBaseUrl)) {
    return refusal(421, 'invalid_request', 'This is not the address of this server.')
  }
  if (ctx.method !== 'POST') {
    return { ...refusal(405, 'invalid_request', 'Only POST is answered here.'), headers: { Allow: 'POST, OPTIONS' } }
  }
  if (ctx.req.readableDidRead) {
    return {
      ...refusal(500, 'server_error', `This server is not set up correctly. Reference: ${correlationId}`),
      problem: READ_ALREADY,
    }
  }
  try {
    await services.parts.mayServe?.()
    return await handler(services, request, clientLogin)
  } catch (error) {
    // The error may hold what was sent, so only its code is told.
    const code = isCredentialVaultError(error) ? error.code : 'unexpected'
    const problem = `The login of an MCP client failed: ${code}, reference ${correlationId}`
    if (code === 'unavailable' || code === 'audit_unavailable') return tryLater()
    return { ...refusal(500, 'server_error', `Reference: ${correlationId}`), problem }
  }
}

async function send({ journal }: PageServices, request: PageRequest, answer: OAuthAnswer): Promise<void> {
  const { ctx }: { ctx: Context } = request
  if (answer.event) await journal.note({ ...answer.event, ...lineOf(request) })
  if (answer.problem !== undefined) ctx.app.emit('error', new Error(answer.problem), ctx)
  ctx.set({ ...answer.headers })
  ctx.status = answer.status
  ctx.type = 'application/json'
  ctx.body = JSON.stringify(answer.body)
}
