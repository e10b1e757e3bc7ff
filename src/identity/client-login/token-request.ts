import { decodeJwt } from 'jose'
import { z } from 'zod'
import { MAX_ACCESS_TOKEN_LENGTH } from '../../core/ports/identity.ts'
import type { ProviderTokens, RefusedTokens } from '../../core/ports/login/client-login.ts'
import { basicAuthorization } from '../issuer/basic-authorization.ts'
import { issuerUnavailable, readIssuerAnswer } from '../issuer/issuer-document.ts'
import type { IssuerMetadata } from '../issuer/issuer-metadata.ts'
import type { ScopeNames } from './scope-names.ts'

/** What is asked of the token endpoint. */
export interface TokenGrant {
  readonly parameters: Readonly<Record<string, string>>
  /** Nonce of the login, which its ID token must have. Undefined if no ID token is due. */
  readonly nonce?: string | undefined
}

/** The client that is registered at the identity provider. */
export interface RegisteredClient {
  readonly clientId: string
  readonly clientSecret: string | undefined
}

const tokensSchema = z.looseObject({
  access_token: z.string().min(1).max(MAX_ACCESS_TOKEN_LENGTH),
  token_type: z.string().regex(/^bearer$/i),
  expires_in: z.coerce.number().int().positive().optional().catch(undefined),
  refresh_token: z.string().min(1).optional(),
  scope: z.string().optional(),
  id_token: z.string().optional(),
})
const refusalSchema = z.looseObject({ error: z.string() })

/**
 * Asks the token endpoint with our own client id and secret.
 *
 * @throws `unavailable` when there is no connection, no answer in time, a 429 or 5xx status, or an answer that is not OAuth's
 */
export async function requestTokens(
  { issuer, token_endpoint: endpoint, token_endpoint_auth_methods_supported: methods }: IssuerMetadata,
  { clientId, clientSecret }: RegisteredClient,
  { parameters, nonce }: TokenGrant,
  scopes: ScopeNames,
): Promise<ProviderTokens | RefusedTokens> {
  // Metadata that names no method means `client_secret_basic` (RFC 8414 §2).
  const byHeader = clientSecret !== undefined && (methods ?? ['client_secret_basic']).includes('client_secret_basic')
  const { status, json } = await readIssuerAnswer(endpoint, {
    method: 'POST',
    withRefusal: true,
    headers: byHeader ? { authorization: basicAuthorization(clientId, clientSecret) } : {},
    body: new URLSearchParams({
      ...parameters,
      ...(byHeader ? {} : { client_id: clientId }),
      ...(byHeader || clientSecret === undefined ? {} : { client_secret: clientSecret }),
    }),
  })
  if (status !== 200) {
    const refusal = refusalSchema.safeParse(json)
    // A proxy in front of the provider answers in words of its own.
    if (!refusal.success) throw issuerUnavailable('answer')
    return refused(refusal.data.error)
  }
  const tokens = tokensSchema.safeParse(json)
  if (!tokens.success) return { kind: 'refused', error: 'server_error', reason: 'provider_error' }
  if (nonce !== undefined && !isOfLogin(tokens.data.id_token, { issuer, clientId, nonce })) {
    return { kind: 'refused', error: 'invalid_grant', reason: 'nonce' }
  }
  const { access_token: accessToken, expires_in: expiresIn, refresh_token: refreshToken, scope } = tokens.data
  const granted = scope === undefined ? undefined : scopes.fromProvider(scope)
  return { kind: 'tokens', accessToken, expiresIn, refreshToken, scopes: granted }
}

/**
 * Whether the ID token is for this login. It comes from the token endpoint itself, so that TLS takes the place of its signature (OpenID
 * Connect Core 1.0 §3.1.3.7), and an outage of the keys costs no login.
 */
function isOfLogin(
  idToken: string | undefined,
  expected: { readonly issuer: string; readonly clientId: string; readonly nonce: string },
): boolean {
  try {
    const { iss, aud, nonce } = decodeJwt(idToken ?? '')
    return iss === expected.issuer && [aud].flat().includes(expected.clientId) && nonce === expected.nonce
  } catch {
    return false
  }
}

/** `error_description` is untrusted text and is not read. */
function refused(error: string): RefusedTokens {
  switch (error) {
    case 'invalid_grant':
      return { kind: 'refused', error, reason: 'replayed_code' }
    case 'invalid_scope':
      return { kind: 'refused', error, reason: 'provider_error' }
    case 'invalid_client':
    case 'unauthorized_client':
      // Ours, so the client must not take it for its own and register anew.
      return { kind: 'refused', error: 'server_error', reason: 'client_refused' }
    case 'temporarily_unavailable':
    case 'server_error':
    case 'slow_down':
      throw issuerUnavailable('answered')
    default:
      return { kind: 'refused', error: 'server_error', reason: 'provider_error' }
  }
}
