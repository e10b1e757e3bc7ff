import type { JWTPayload } from 'jose'
import * as client from 'openid-client'
import type { BrowserLogin, LoginStart, SignedInUser } from '../../core/ports/identity.ts'
import { ownerFromClaims } from '../claims/owner-claim.ts'
import { displayNameOf } from '../claims/user-claims.ts'
import { ISSUER_TIMEOUT_MILLISECONDS } from '../issuer/issuer-document.ts'
import type { VerifySigned } from '../issuer/issuer-keys.ts'
import type { IssuerMetadata } from '../issuer/issuer-metadata.ts'
import { checkLoginAnswer } from './login-answer.ts'
import { idTokenRefusal, loginRefusal } from './login-problem.ts'
import { tokenRequestError } from './token-request-error.ts'

export interface BrowserLoginSettings {
  readonly issuer: string
  readonly displayName: string | undefined
  readonly clientId: string
  readonly clientSecret: string | undefined
  readonly callbackUrl: URL
  readonly loginScopes: string
  readonly algorithms: readonly string[]
  readonly idTokenSubjectClaim: string
  readonly clockToleranceSeconds: number
  readonly maxAuthAgeSeconds: number | undefined
  readonly acrValues: readonly string[]
}

/**
 * Signs users in with the OpenID Connect code flow and PKCE S256 (RFC 9700 §2.1.1). The ID token identifies the user; all tokens are
 * dropped when `complete` returns.
 */
export function oidcBrowserLogin(
  settings: BrowserLoginSettings,
  metadata: () => Promise<IssuerMetadata>,
  verifySigned: VerifySigned,
): BrowserLogin {
  return {
    mode: 'oidc',
    hasLogin: true,
    displayName: settings.displayName ?? new URL(settings.issuer).host,
    nameOf: (issuer) => (issuer === settings.issuer ? settings.displayName : undefined),
    policy: policyOf(settings),

    isRecent({ authenticatedAt }) {
      const { maxAuthAgeSeconds, clockToleranceSeconds } = settings
      if (maxAuthAgeSeconds === undefined) return true
      const limit = (maxAuthAgeSeconds + clockToleranceSeconds) * 1000
      return authenticatedAt !== undefined && Date.now() - authenticatedAt <= limit
    },

    async begin({ switchAccount }): Promise<LoginStart> {
      const state = client.randomState()
      const nonce = client.randomNonce()
      const codeVerifier = client.randomPKCECodeVerifier()
      const redirectTo = client.buildAuthorizationUrl(configuration(settings, await metadata()), {
        redirect_uri: settings.callbackUrl.href,
        scope: settings.loginScopes,
        state,
        nonce,
        code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
        ...(switchAccount ? { prompt: 'login' } : {}),
        ...(settings.maxAuthAgeSeconds === undefined ? {} : { max_age: String(settings.maxAuthAgeSeconds) }),
        ...(settings.acrValues.length === 0 ? {} : { acr_values: settings.acrValues.join(' ') }),
      })
      const transaction = { state, nonce, codeVerifier, issuer: settings.issuer, startedAt: String(Date.now()) }
      return { kind: 'redirect', redirectTo: redirectTo.href, transaction }
    },

    async complete(callbackUrl, transaction): Promise<SignedInUser> {
      const issuer = await metadata()
      const login = checkLoginAnswer(callbackUrl.searchParams, transaction, issuer)
      // Send the configured redirect URI with the code, whatever address the browser used.
      const answer = new URL(settings.callbackUrl)
      answer.search = callbackUrl.search
      const idToken = await redeemCode(settings, issuer, answer, login)
      const claims = await verifySigned(
        idToken,
        {
          algorithms: [...settings.algorithms],
          issuer: settings.issuer,
          audience: settings.clientId,
          requiredClaims: ['exp', 'iat', 'sub'],
          clockTolerance: settings.clockToleranceSeconds,
        },
        idTokenRefusal,
      )
      // A provider may authenticate a user more weakly than requested (OpenID Connect Core 1.0 §5.5.1.1).
      if (settings.acrValues.length > 0 && !settings.acrValues.some((value) => value === claims['acr'])) {
        throw loginRefusal('authentication_too_weak')
      }
      return user(claims, settings)
    },
  }
}

/** openid-client checks nonce, audience, `azp`, `max_age` and times of the ID token. The caller checks its signature. */
async function redeemCode(
  settings: BrowserLoginSettings,
  issuer: IssuerMetadata,
  answer: URL,
  login: { readonly state: string; readonly nonce: string; readonly codeVerifier: string },
): Promise<string> {
  try {
    const tokens = await client.authorizationCodeGrant(configuration(settings, issuer), answer, {
      expectedState: login.state,
      expectedNonce: login.nonce,
      pkceCodeVerifier: login.codeVerifier,
      idTokenExpected: true,
      ...(settings.maxAuthAgeSeconds === undefined ? {} : { maxAge: settings.maxAuthAgeSeconds }),
    })
    if (tokens.id_token === undefined) throw loginRefusal('id_token_missing')
    return tokens.id_token
  } catch (error) {
    throw tokenRequestError(error)
  }
}

function configuration(settings: BrowserLoginSettings, issuer: IssuerMetadata): client.Configuration {
  const configured = new client.Configuration(
    { ...issuer, id_token_signing_alg_values_supported: [...settings.algorithms] } as client.ServerMetadata,
    settings.clientId,
    { [client.clockTolerance]: settings.clockToleranceSeconds },
    clientAuthentication(settings.clientSecret, issuer),
  )
  configured.timeout = ISSUER_TIMEOUT_MILLISECONDS / 1_000
  // The endpoints' schemes were checked when the metadata was read.
  client.allowInsecureRequests(configured)
  return configured
}

/** Metadata that names no method means `client_secret_basic` (RFC 8414 §2). */
function clientAuthentication(secret: string | undefined, issuer: IssuerMetadata): client.ClientAuth {
  if (secret === undefined) return client.None()
  const methods = issuer.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
  return methods.includes('client_secret_basic') ? client.ClientSecretBasic(secret) : client.ClientSecretPost(secret)
}

function user(claims: JWTPayload, settings: BrowserLoginSettings): SignedInUser {
  const owner = ownerFromClaims(claims, settings.issuer, settings.idTokenSubjectClaim, idTokenRefusal)
  const displayName = displayNameOf(claims)
  const authTime = claims['auth_time']
  return {
    ...owner,
    ...(displayName === undefined ? {} : { displayName }),
    ...(typeof authTime === 'number' ? { authenticatedAt: authTime * 1000 } : {}),
  }
}

/** Lists the settings that decide whom a login identifies and how strongly. A session must not outlive a change of them. */
function policyOf(settings: BrowserLoginSettings): string {
  const { issuer, clientId, loginScopes, algorithms, idTokenSubjectClaim, maxAuthAgeSeconds = null } = settings
  return JSON.stringify([
    issuer,
    clientId,
    loginScopes,
    algorithms,
    idTokenSubjectClaim,
    maxAuthAgeSeconds,
    settings.acrValues,
  ])
}
