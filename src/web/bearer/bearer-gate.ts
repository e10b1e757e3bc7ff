import type { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Context, Middleware } from 'koa'
import { adviceOf, reasonOf } from '../../core/journal/refusal-event.ts'
import { newCorrelationId } from '../../core/model/correlation-id.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { User } from '../../core/model/owner.ts'
import { isUrl } from '../../core/model/url-value.ts'
import type { AuditEvent, AuditReason } from '../../core/ports/audit-sink.ts'
import type { Principal } from '../../core/ports/identity.ts'
import { clientAddress } from '../http/client-address.ts'
import { preflightHeaders, shareWith } from '../http/cross-origin.ts'
import { hostMatches } from '../http/host-check.ts'
import { programHeaders, type SecurityHeaders, setHeaders } from '../http/security-headers.ts'
import type { BearerParts } from '../http/web-parts.ts'
import { type BearerError, bearerChallenge } from './bearer-challenge.ts'
import { bearerCredentials } from './bearer-credentials.ts'

export interface BearerGateOptions {
  /**
   * Returns the storage that holds the verified user while the request is handled. It returns undefined until the application reads the
   * vault's `userContext`, because before Node 24 every promise made under an AsyncLocalStorage costs more.
   */
  readonly userContext?: () => AsyncLocalStorage<User> | undefined
  /** Origins of web pages that may call the server, besides its own, e.g. `https://inspector.example.com`. Default none. */
  readonly allowedOrigins?: readonly string[]
}

/** The authentication of a request in the shape that the MCP SDKs read. */
export interface BearerAuthInfo {
  readonly token: string
  readonly clientId: string
  readonly scopes: string[]
  /** Unix seconds. */
  readonly expiresAt?: number
  readonly resource?: URL
  readonly extra: { readonly iss: string; readonly sub: string; readonly name?: string }
}

const RETRY_AFTER_SECONDS = '10'

/** An answer in place of the handler's. */
interface GateAnswer {
  readonly status: number
  readonly headers: SecurityHeaders
  readonly body?: { readonly error: string; readonly error_description?: string }
  /** The audit line. `user` is the owner of a valid token that lacks a scope. */
  readonly line?: { readonly reason: AuditReason; readonly user?: User }
}

/** A token that passed every check. */
interface Admitted {
  readonly token: string
  readonly principal: Principal
}

/**
 * Lets only requests with a valid access token through (RFC 6750, RFC 9728) and passes the user on as `ctx.state.user`, as `ctx.req.auth`
 * in the shape that the MCP SDKs expect, and in `userContext`.
 *
 * The token is read from the `Authorization` header alone. Answers: 421 other `Host`; 403 foreign `Origin`; 401 with a challenge; 400
 * malformed; 403 `insufficient_scope`; 503 when the token cannot be checked right now, so that clients keep it.
 */
export function createBearerGate(
  parts: BearerParts,
  { userContext, allowedOrigins = [] }: BearerGateOptions = {},
): Middleware {
  const { identity, journal, serverBaseUrl, health, options } = parts
  const { verifyToken, resource, noAccessToken } = identity
  const mcpUrl = urlMaker(resource?.resource)
  const programs = programHeaders(serverBaseUrl.protocol === 'https:', options.hstsIncludeSubdomains)

  function refusal(status: number, error: string, line?: GateAnswer['line']): GateAnswer {
    return { status, headers: programs, body: { error }, ...(line && { line }) }
  }

  function challenge(status: 400 | 401 | 403, error?: BearerError, line?: GateAnswer['line']): GateAnswer {
    const answer = refusal(status, error ?? 'unauthorized', line)
    const headers = {
      ...answer.headers,
      'WWW-Authenticate': bearerChallenge(serverBaseUrl, resource, error, noAccessToken),
    }
    // The header may give no reason if there is no token (RFC 6750 §3.1), so the body gives it.
    const description = noAccessToken === undefined ? {} : { error_description: noAccessToken }
    return { ...answer, headers, body: { error: error ?? 'unauthorized', ...description } }
  }

  /** Returns the answer to a request for another host or from a web page that may not call. */
  function misdirected({ host, origin }: IncomingHttpHeaders): GateAnswer | undefined {
    if (!hostMatches(host, serverBaseUrl)) return refusal(421, 'misdirected_request', { reason: 'host' })
    if (origin === undefined || origin === serverBaseUrl.origin || allowedOrigins.includes(origin)) return undefined
    return refusal(403, 'origin_not_allowed', { reason: 'origin' })
  }

  async function verified(token: string): Promise<Admitted | GateAnswer> {
    try {
      const principal = await verifyToken(token)
      health.recovered('identity')
      return { token, principal }
    } catch (error) {
      if (isCredentialVaultError(error, 'token_invalid', 'owner_unknown')) {
        return challenge(401, 'invalid_token', { reason: error.reason ?? error.code })
      }
      health.failed('identity', reasonOf(error), adviceOf(error))
      const answer = refusal(503, 'temporarily_unavailable')
      return { ...answer, headers: { ...answer.headers, 'Retry-After': RETRY_AFTER_SECONDS } }
    }
  }

  async function admitted(authorization: readonly string[]): Promise<Admitted | GateAnswer> {
    const credentials = bearerCredentials(authorization)
    if (credentials.kind === 'absent') return challenge(401)
    if (credentials.kind === 'malformed') return challenge(400, 'invalid_request', { reason: 'malformed' })
    const found = await verified(credentials.token)
    if ('status' in found) return found
    const { principal } = found
    if ((resource?.scopes ?? []).every((scope) => principal.scopes.includes(scope))) return found
    return challenge(403, 'insufficient_scope', { reason: 'insufficient_scope', user: principal })
  }

  async function send(ctx: Context, { status, headers, body, line }: GateAnswer): Promise<void> {
    if (line) {
      const correlationId = newCorrelationId()
      // For the access log.
      ctx.state['request'] = { correlationId }
      const address = clientAddress(ctx.req, options.trustedProxies)
      await journal.note(rejectedToken(line, { address, correlationId }))
    }
    setHeaders(ctx, headers)
    ctx.status = status
    if (body) ctx.body = body
  }

  return async (ctx, next) => {
    const elsewhere = misdirected(ctx.req.headers)
    if (elsewhere) return send(ctx, elsewhere)
    const { origin } = ctx.req.headers
    const isForeign = origin !== undefined && origin !== serverBaseUrl.origin
    if (isForeign) shareWith(ctx, origin)
    const preflight = isForeign ? preflightHeaders(ctx.req) : undefined
    if (preflight) return send(ctx, { status: 204, headers: preflight })
    const found = await admitted(authorizationLines(ctx.req))
    if ('status' in found) return send(ctx, found)

    const { token, principal } = found
    const user = userOf(principal)
    const request: IncomingMessage & { auth?: BearerAuthInfo } = ctx.req
    request.auth = authInfo(token, principal, mcpUrl)
    ctx.state['user'] = user
    const context = userContext?.()
    await (context ? context.run(user, next) : next())
  }
}

/**
 * Returns each `Authorization` header. Not from `headersDistinct`: it would keep a second copy of all headers while the response is open.
 */
function authorizationLines({ rawHeaders }: IncomingMessage): readonly string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === 'authorization')
}

function rejectedToken(
  { reason, user }: NonNullable<GateAnswer['line']>,
  request: Pick<AuditEvent, 'address' | 'correlationId'>,
): AuditEvent {
  return {
    type: 'token.rejected',
    outcome: 'denied',
    reason,
    ...request,
    ...(user ? { owner: { issuer: user.issuer, subject: user.subject } } : { actor: { kind: 'anonymous' } }),
    ...(user?.clientId === undefined ? {} : { clientId: user.clientId }),
  }
}

function userOf({ issuer, subject, clientId, displayName }: Principal): User {
  return {
    issuer,
    subject,
    ...(clientId === undefined ? {} : { clientId }),
    ...(displayName === undefined ? {} : { displayName }),
  }
}

function urlMaker(resource: string | undefined): (() => URL) | undefined {
  return resource !== undefined && isUrl(resource) ? () => new URL(resource) : undefined
}

function authInfo(token: string, principal: Principal, resource: (() => URL) | undefined): BearerAuthInfo {
  const { issuer, subject, clientId, displayName, scopes, expiresAt } = principal
  const info: BearerAuthInfo = {
    token,
    // The SDKs' type requires a string. Empty means that the token names no client.
    clientId: clientId ?? '',
    scopes: [...scopes],
    ...(expiresAt === undefined ? {} : { expiresAt }),
    extra: { iss: issuer, sub: subject, ...(displayName === undefined ? {} : { name: displayName }) },
  }
  if (!resource) return info
  // Created on first use: a URL is large, and a waiting call keeps this object for minutes.
  return Object.defineProperty(info, 'resource', { enumerable: true, get: resource })
}
