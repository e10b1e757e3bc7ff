import { createHash } from 'node:crypto'
import { equalText } from '../../core/crypto/seal.ts'
import { adviceOf, reasonOf } from '../../core/journal/refusal-event.ts'
import { type CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import type { AuditReason } from '../../core/ports/audit-sink.ts'
import type { Principal } from '../../core/ports/identity.ts'
import type { ProviderTokens, RefusedTokens } from '../../core/ports/login/client-login.ts'
import type { ClientLoginServices } from '../client-state/client-login-services.ts'
import { isStillPermitted } from '../client-state/redirect-uri.ts'
import { readFormBody, refusedUnread } from '../http/form-body.ts'
import { lineOf, type PageRequest } from '../request/page-request.ts'
import type { PageServices } from '../request/page-services.ts'
import { isSameResource, wordsOf } from './authorization-request.ts'
import { clientFields, clientRefused } from './client-events.ts'
import { clientOf, type NamedClient } from './mcp-client.ts'
import { type OAuthAnswer, type OAuthHandler, oauthRateLimit, refusal, tryLater } from './oauth-answer.ts'

type Fields = ReadonlyMap<string, string>
type Tokens = ProviderTokens | RefusedTokens

/** What the identity provider is to be asked, once everything of ours fits. */
interface Grant {
  ask(): Promise<Tokens>
  readonly redirectUri: string
  /** What the login was for. */
  readonly scopes: readonly string[]
}

const BODY_STATUS = { content_type: 415, too_large: 413, malformed: 400, already_read: 500 } as const

/**
 * Exchanges a code or a refresh token (RFC 6749 §4.1.3, §6). Both are sealed and bound to the client that they were issued to, so no other
 * client can use them, although the identity provider takes all clients for one.
 */
export const issueTokens: OAuthHandler = async (services, request, login): Promise<OAuthAnswer> => {
  const limited = await oauthRateLimit(services, request)
  if (limited) return limited
  const { ctx } = request
  const fields = refusedUnread(ctx) ?? (await readFormBody(ctx))
  if (typeof fields === 'string') {
    const answer = refusal(BODY_STATUS[fields], 'invalid_request', 'The body is not a form of single values.')
    return { ...answer, headers: { Connection: 'close' } }
  }
  const client = clientOf(services, fields.get('client_id') ?? '')
  // Every client is public. One that believes in a secret must register anew.
  const hasHeader = ctx.req.headers.authorization !== undefined
  if (!client || hasHeader || fields.has('client_secret')) return unknownClient(hasHeader)
  const resource = services.parts.identity.resource?.resource
  const asked = fields.get('resource')
  if (asked !== undefined && !isSameResource(asked, resource)) {
    return refused(client, 'invalid_target', 'Tokens are issued for this server only.', 'client_request')
  }
  const grant = grantOf(fields, client, login)
  return 'status' in grant ? grant : grantTokens(services, request, login, client, grant)
}

/** RFC 6749 §5.2 demands a challenge if the request had the header. Without one, it would make browsers ask for a password. */
function unknownClient(hasHeader: boolean): OAuthAnswer {
  return {
    ...refusal(401, 'invalid_client', 'There is no such client. Register again.'),
    ...(hasHeader && { headers: { 'WWW-Authenticate': 'Basic realm="MCP clients"' } }),
    event: clientRefused('client_unknown'),
  }
}

function refused(client: NamedClient, error: string, description: string, reason: AuditReason): OAuthAnswer {
  return { ...refusal(400, error, description), event: clientRefused(reason, client) }
}

function grantOf(fields: Fields, client: NamedClient, login: ClientLoginServices): Grant | OAuthAnswer {
  switch (fields.get('grant_type')) {
    case 'authorization_code':
      return codeGrant(fields, client, login) ?? refused(client, 'invalid_grant', WRONG_CODE, 'client_code')
    case 'refresh_token':
      return refreshGrant(fields, client, login)
    default:
      return refused(client, 'unsupported_grant_type', WRONG_GRANT, 'client_grant')
  }
}

const WRONG_CODE = 'The code is not valid for this client, redirect URI and verifier.'
const WRONG_GRANT = 'Only authorization_code and refresh_token are offered.'
const WRONG_REFRESH = 'The refresh token is not valid for this client.'

/** The verifier is checked here too, since some providers ignore it. */
function codeGrant(fields: Fields, client: NamedClient, { login, seals }: ClientLoginServices): Grant | undefined {
  const issued = seals.code.open(fields.get('code'))
  const codeVerifier = fields.get('code_verifier') ?? ''
  if (!issued || !equalText(issued.digest, client.digest)) return undefined
  if (fields.get('redirect_uri') !== issued.redirectUri) return undefined
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(codeVerifier)) return undefined
  const challenge = createHash('sha256').update(codeVerifier).digest('base64url')
  if (!equalText(challenge, issued.codeChallenge)) return undefined
  if (!isStillPermitted(login, { label: client.label, redirectUri: issued.redirectUri })) return undefined
  const { code, nonce, scopes, redirectUri } = issued
  return { ask: () => login.redeem({ code, codeVerifier, nonce, scopes }), redirectUri, scopes }
}

/** Some providers give at a refresh whatever their one client was ever allowed, so that scopes are checked here too. */
function refreshGrant(fields: Fields, client: NamedClient, { login, seals }: ClientLoginServices): Grant | OAuthAnswer {
  const issued = seals.refresh.open(fields.get('refresh_token'))
  const isFor = issued !== undefined && equalText(issued.digest, client.digest)
  if (!isFor || !isStillPermitted(login, { label: client.label, redirectUri: issued.redirectUri })) {
    return refused(client, 'invalid_grant', WRONG_REFRESH, 'client_refresh_token')
  }
  const { redirectUri, token: refreshToken, scopes } = issued
  const asked = wordsOf(fields.get('scope'))
  const granted = asked.filter((scope) => login.scopes.includes(scope) && scopes.includes(scope))
  if (asked.length > 0 && granted.length === 0) {
    return refused(client, 'invalid_scope', 'The login was for none of these scopes.', 'client_request')
  }
  const required = login.defaultScopes.filter((scope) => scopes.includes(scope))
  const wanted = asked.length === 0 ? undefined : [...new Set([...granted, ...required])]
  const ask = async () => {
    const tokens = await login.refresh({ refreshToken, scopes: wanted })
    // Sealed anew, so that a token which the provider does not rotate lasts as long as it does there.
    return tokens.kind === 'tokens' ? { ...tokens, refreshToken: tokens.refreshToken ?? refreshToken } : tokens
  }
  return { ask, redirectUri, scopes }
}

async function grantTokens(
  services: PageServices,
  request: PageRequest,
  { seals }: ClientLoginServices,
  client: NamedClient,
  grant: Grant,
): Promise<OAuthAnswer> {
  const { parts, journal } = services
  const fields = { ...clientFields(client), ...lineOf(request) }
  await journal.grant({ type: 'client.token_requested', outcome: 'success', ...fields })
  let tokens: Tokens
  try {
    tokens = await grant.ask()
  } catch (error) {
    return failed(services, request, client, error)
  }
  if (tokens.kind === 'refused') return providerRefused(tokens, client, request)
  const user = await acceptedUser(services, tokens.accessToken)
  if (isCredentialVaultError(user, 'token_invalid', 'owner_unknown')) {
    return failed(services, request, client, user)
  }
  if (!isCredentialVaultError(user)) parts.health.recovered('identity')
  // The intent is in the log. A failure here must not cost the client a refresh token that the provider has just replaced.
  await journal.note({ ...fields, actor: undefined, type: 'client.token_issued', outcome: 'success', ...ownerOf(user) })
  const { accessToken, expiresIn, refreshToken, scopes } = tokens
  return {
    status: 200,
    body: {
      access_token: accessToken,
      token_type: 'Bearer',
      ...(expiresIn === undefined ? {} : { expires_in: expiresIn }),
      ...(refreshToken === undefined
        ? {}
        : { refresh_token: seals.refresh.seal({ ...boundTo(grant, client), token: refreshToken }) }),
      ...(scopes === undefined || scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    },
  }
}

function boundTo({ redirectUri, scopes }: Grant, { digest }: NamedClient) {
  return { digest, redirectUri, scopes: [...scopes] }
}

/**
 * Returns the user whom our own gate would see, or the error with which it would refuse the token. A token that cannot be checked right now
 * is the client's all the same: the gate will check it.
 */
async function acceptedUser({ parts }: PageServices, token: string): Promise<Principal | CredentialVaultError> {
  try {
    return await parts.identity.verifyToken(token)
  } catch (error) {
    if (isCredentialVaultError(error)) return error
    throw error
  }
}

function ownerOf(user: Principal | CredentialVaultError) {
  if (isCredentialVaultError(user)) return { reason: reasonOf(user) }
  return { owner: { issuer: user.issuer, subject: user.subject } }
}

function providerRefused(
  { error, reason }: RefusedTokens,
  client: NamedClient,
  { correlationId }: PageRequest,
): OAuthAnswer {
  const event = clientRefused(reason, client)
  if (error === 'server_error') {
    const problem = `The identity provider refused to issue tokens for an MCP client: ${reason}, reference ${correlationId}. Check oidc.clientLogin, and the identity provider's own log.`
    return {
      ...refusal(500, error, `This server is not set up correctly. Reference: ${correlationId}`),
      event,
      problem,
    }
  }
  return { ...refusal(400, error, 'The identity provider refused it.'), event }
}

/** An outage must not make clients drop their tokens, so it is never `invalid_grant`. */
function failed(
  { parts }: PageServices,
  { correlationId }: PageRequest,
  client: NamedClient,
  error: unknown,
): OAuthAnswer {
  const event = clientRefused(reasonOf(error), client)
  if (isCredentialVaultError(error, 'token_invalid', 'owner_unknown')) {
    const problem = `The identity provider issued a token that this server does not accept: ${error.message} (${reasonOf(error)}, reference ${correlationId})`
    return {
      ...refusal(500, 'server_error', `This server is not set up correctly. Reference: ${correlationId}`),
      event,
      problem,
    }
  }
  if (!isCredentialVaultError(error, 'unavailable')) throw error
  parts.health.failed('identity', reasonOf(error), adviceOf(error))
  return { ...tryLater(), event }
}
