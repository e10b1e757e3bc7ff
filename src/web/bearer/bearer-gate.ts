import type { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage } from 'node:http'
import type { Context, Middleware } from 'koa'
import { reasonOf } from '../../core/journal/refusal-event.ts'
import { newCorrelationId } from '../../core/model/correlation-id.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { User } from '../../core/model/owner.ts'
import type { AuditEvent, AuditReason } from '../../core/ports/audit-sink.ts'
import type { Principal } from '../../core/ports/identity.ts'
import { clientAddress } from '../http/client-address.ts'
import { answerPreflight, shareWith } from '../http/cross-origin.ts'
import { hostMatches } from '../http/host-check.ts'
import { programHeaders, setHeaders } from '../http/security-headers.ts'
import type { BearerParts } from '../http/web-parts.ts'
import { type BearerError, bearerChallenge, bearerCredentials } from './bearer-challenge.ts'

export interface BearerGateOptions {
  /**
   * Holds the verified user while the request is handled. undefined as long as nobody reads it: before Node 24 every promise made under
   * one costs more.
   */
  readonly userContext?: () => AsyncLocalStorage<User> | undefined
  /** Origins of web pages that may call the server, besides its own, e.g. `https://inspector.example.com`. Default none. */
  readonly allowedOrigins?: readonly string[]
}

/** The `auth` that the MCP SDKs read from a request, in their own shape. */
export interface BearerAuthInfo {
  readonly token: string
  readonly clientId: string
  readonly scopes: string[]
  /** Unix seconds. */
  readonly expiresAt?: number
  readonly resource?: URL
  readonly extra: { readonly iss: string; readonly sub: string; readonly name?: string }
}

const RETRY_AFTER_SECONDS = 10

/**
 * Lets only requests with a good access token through (RFC 6750, RFC 9728), and tells later middleware whose they are: `ctx.state.user`,
 * `ctx.req.auth` as the MCP SDKs expect it, and `userContext`.
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
  const headers = programHeaders(serverBaseUrl.protocol === 'https:', options.hstsIncludeSubdomains)

  async function record(ctx: Context, reason: AuditReason, user?: User): Promise<void> {
    const event: AuditEvent = {
      type: 'token.rejected',
      outcome: 'denied',
      reason,
      address: clientAddress(ctx.req, options.trustedProxies),
      correlationId: newCorrelationId(),
      ...(user ? { owner: { issuer: user.issuer, subject: user.subject } } : { actor: { kind: 'anonymous' } }),
      ...(user?.clientId === undefined ? {} : { clientId: user.clientId }),
    }
    await journal.note(event)
  }

  function refuse(ctx: Context, status: number, error: string): void {
    setHeaders(ctx, headers)
    ctx.status = status
    ctx.body = { error }
  }

  function challenge(ctx: Context, status: 400 | 401 | 403, error?: BearerError): void {
    refuse(ctx, status, error ?? 'unauthorized')
    // Also without a token: then the header may give no reason (RFC 6750 section 3.1), and the body is what people see.
    if (noAccessToken !== undefined) ctx.body = { error: error ?? 'unauthorized', error_description: noAccessToken }
    ctx.set('WWW-Authenticate', bearerChallenge(serverBaseUrl, resource, error, noAccessToken))
  }

  async function verified(ctx: Context, token: string): Promise<Principal | undefined> {
    try {
      const principal = await verifyToken(token)
      health.recovered('identity')
      return principal
    } catch (error) {
      if (isCredentialVaultError(error, 'token_invalid', 'owner_unknown')) {
        await record(ctx, error.reason ?? error.code)
        challenge(ctx, 401, 'invalid_token')
        return undefined
      }
      health.failed('identity', reasonOf(error))
      refuse(ctx, 503, 'temporarily_unavailable')
      ctx.set('Retry-After', String(RETRY_AFTER_SECONDS))
      return undefined
    }
  }

  /** Whether the request is meant for this server, and may come from where it does. Answers those that go no further. */
  async function isForUs(ctx: Context): Promise<boolean> {
    if (!hostMatches(ctx.req.headers.host, serverBaseUrl)) {
      await record(ctx, 'host')
      refuse(ctx, 421, 'misdirected_request')
      return false
    }
    const { origin } = ctx.req.headers
    if (origin === undefined || origin === serverBaseUrl.origin) return true
    if (!allowedOrigins.includes(origin)) {
      await record(ctx, 'origin')
      refuse(ctx, 403, 'origin_not_allowed')
      return false
    }
    shareWith(ctx, origin)
    return !answerPreflight(ctx)
  }

  return async (ctx, next) => {
    if (!(await isForUs(ctx))) return

    const credentials = bearerCredentials(ctx.req.headersDistinct['authorization'] ?? [])
    if (credentials.kind === 'absent') return challenge(ctx, 401)
    if (credentials.kind === 'malformed') {
      await record(ctx, 'malformed')
      return challenge(ctx, 400, 'invalid_request')
    }
    const principal = await verified(ctx, credentials.token)
    if (!principal) return
    if (!(resource?.scopes ?? []).every((scope) => principal.scopes.includes(scope))) {
      await record(ctx, 'insufficient_scope', principal)
      return challenge(ctx, 403, 'insufficient_scope')
    }

    const user = userOf(principal)
    const request: IncomingMessage & { auth?: BearerAuthInfo } = ctx.req
    request.auth = authInfo(credentials.token, principal, resource?.resource)
    ctx.state['user'] = user
    const context = userContext?.()
    await (context ? context.run(user, next) : next())
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

function authInfo(token: string, principal: Principal, resource: string | undefined): BearerAuthInfo {
  const { issuer, subject, clientId, displayName, scopes, expiresAt } = principal
  const info: BearerAuthInfo = {
    token,
    // The SDKs' type wants a text; a token that names no client acts for none.
    clientId: clientId ?? '',
    scopes: [...scopes],
    ...(expiresAt === undefined ? {} : { expiresAt }),
    extra: { iss: issuer, sub: subject, ...(displayName === undefined ? {} : { name: displayName }) },
  }
  if (resource === undefined || !URL.canParse(resource)) return info
  // Made when somebody asks for it: a URL is large, and a call that waits holds on to this.
  return Object.defineProperty(info, 'resource', { enumerable: true, get: () => new URL(resource) })
}
