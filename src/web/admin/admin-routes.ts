import type { Context, Middleware } from 'koa'
import { newCorrelationId } from '../../core/model/correlation-id.ts'
import { formRoot } from '../../core/network/form-urls.ts'
import type { AuditEvent } from '../../core/ports/audit-sink.ts'
import { clientAddress } from '../http/client-address.ts'
import { hostMatches } from '../http/host-check.ts'
import type { OwnRoutes } from '../http/own-routes.ts'
import { addressLimit } from '../http/rate-limiter.ts'
import { programHeaders, setHeaders } from '../http/security-headers.ts'
import type { AdminParts } from './admin-parts.ts'
import { VERBS } from './admin-verbs.ts'
import { type ApiAnswer, failureOf, notAllowed, refusal, sendJson } from './api-answer.ts'
import { operatorOf, type Place, type Refused } from './operator-token.ts'

/** Name of the first path segment below the vault's own. No provider may have it while the API is on. */
export const ADMIN_SEGMENT = 'admin'

/** Answers the requests of identity providers. */
export type ScimRoutes = (
  ctx: Context,
  place: Place,
) => Promise<{ readonly answer: ApiAnswer; readonly refused?: never } | { readonly refused: Refused }>

function adminRoot(serverBaseUrl: URL): string {
  return `${formRoot(serverBaseUrl)}/${ADMIN_SEGMENT}`
}

/** Returns the path of the SCIM endpoint. */
export function scimRootOf(serverBaseUrl: URL): string {
  return `${adminRoot(serverBaseUrl)}/scim/v2`
}

/**
 * Serves the admin API below `{base path}/credentials/admin`: JSON in and out, for programs. Every request is identified by its bearer
 * token before its path is looked at, so that others learn nothing of what is here.
 *
 * @param scim answers below `scim/v2`, where identity providers have tokens of their own
 */
export function createAdminRoutes(parts: AdminParts, scim: ScimRoutes): OwnRoutes {
  const { serverBaseUrl, options, journal, operations } = parts
  const root = adminRoot(serverBaseUrl)
  const scimRoot = scimRootOf(serverBaseUrl)
  const headers = programHeaders(serverBaseUrl.protocol === 'https:', options.hstsIncludeSubdomains)
  const limit = addressLimit(parts.requestsPerMinute, { kind: 'admin', countUse: parts.countUse })

  const owns = (path: string) => path === root || path.startsWith(`${root}/`)

  /** Returns the answer to a request that comes from a browser or too often, whoever sent it. */
  async function turnedAway({ req }: Context, { address }: Place): Promise<Refused | undefined> {
    if (!hostMatches(req.headers.host, serverBaseUrl)) {
      return { answer: refusal(421, 'misdirected_request'), reason: 'host' }
    }
    // Browsers name the page that sends a request. No page may call: there is no CORS, and no preflight is answered.
    if (req.headers.origin !== undefined) return { answer: refusal(403, 'origin_not_allowed'), reason: 'origin' }
    const wait = await limit.take(address ?? '')
    if (wait === 0) return undefined
    return { answer: { ...refusal(429, 'rate_limited'), headers: { 'Retry-After': String(wait) } } }
  }

  async function answerOf(ctx: Context, place: Place): Promise<ApiAnswer> {
    const checked = await operatorOf(parts, ctx, place)
    if (checked.refused) return refused(checked.refused, place)
    const path = ctx.path.slice(root.length + 1)
    const verb = Object.hasOwn(VERBS, path) ? VERBS[path] : undefined
    if (!verb) return refusal(404, 'not_found')
    if (ctx.method !== verb.method) return notAllowed(verb.method)
    return verb.handle(operations, { ctx, context: checked.context })
  }

  async function refused({ answer, reason, user }: Refused, place: Place): Promise<ApiAnswer> {
    if (reason === undefined) return answer
    const who: Pick<AuditEvent, 'actor' | 'owner' | 'clientId'> = user
      ? { owner: { issuer: user.issuer, subject: user.subject }, clientId: user.clientId }
      : { actor: { kind: 'anonymous' } }
    await journal.note({ type: 'token.rejected', outcome: 'denied', reason, ...who, ...place })
    return answer
  }

  const middleware: Middleware = async (ctx, next) => {
    if (typeof ctx.path !== 'string' || !owns(ctx.path)) return next()
    setHeaders(ctx, headers)
    const place = { address: clientAddress(ctx.req, options.trustedProxies), correlationId: newCorrelationId() }
    const isScim = ctx.path === scimRoot || ctx.path.startsWith(`${scimRoot}/`)
    try {
      const away = await turnedAway(ctx, place)
      if (away) return sendJson(ctx, await refused(away, place))
      if (!isScim) return sendJson(ctx, await answerOf(ctx, place))
      const found = await scim(ctx, place)
      return sendJson(ctx, found.refused ? await refused(found.refused, place) : found.answer, 'application/scim+json')
    } catch (error) {
      const { status, code, text, headers: also } = failureOf(error, place.correlationId)
      if (code === 'unexpected') reportTo(ctx, place)
      sendJson(ctx, { ...refusal(status, code, text), headers: also })
    }
  }

  return { middleware, owns, openPaths: [`${root}/*`] }
}

// Koa's own handler would print the error, which may hold input.
function reportTo(ctx: Context, { correlationId }: Place): void {
  const problem = `The admin API of the credential vault failed: unexpected, reference ${correlationId}`
  ctx.app.emit('error', new Error(problem), ctx)
}
