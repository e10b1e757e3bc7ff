import type { IncomingMessage, ServerResponse } from 'node:http'
import type { JWK, JWTPayload } from 'jose'
import type { User } from '../../../src/core/model/owner.ts'
import type { OidcOptions } from '../../../src/identity/oidc.ts'
import { signWith, type TestIdentityProvider } from './identity-provider.ts'
import { answerLogin, FORM_CLIENT, type OpenedIdentity, openIdentity, startFormProvider } from './opened-identity.ts'

export interface ForgedLogin {
  readonly complete: Promise<User>
  readonly forged: string
}

export interface ForgingProvider {
  readonly provider: TestIdentityProvider
  readonly identity: OpenedIdentity
  /** Finishes a login at whose end the token endpoint answers an ID token that is good except for `changes`, key and algorithm. */
  completeWith(changes: Readonly<Record<string, unknown>>, key?: JWK, alg?: string): Promise<ForgedLogin>
  /** The same with a token of any making, from the claims that a good one has. */
  completeWithToken(make: (claims: JWTPayload) => Promise<string>): Promise<ForgedLogin>
}

/** A real identity provider whose token endpoint answers what an attacker in its place would. */
export async function startForgingProvider(options: Partial<OidcOptions> = {}): Promise<ForgingProvider> {
  let idToken = ''
  function intercept(request: IncomingMessage, response: ServerResponse): boolean {
    if (request.url !== '/token') return false
    request.resume()
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ access_token: 'unused-access-token', token_type: 'Bearer', id_token: idToken }))
    return true
  }
  const provider = await startFormProvider({ intercept })
  const identity = await openIdentity({ issuer: provider.issuer, clientId: FORM_CLIENT, ...options })

  async function completeWithToken(make: (claims: JWTPayload) => Promise<string>): Promise<ForgedLogin> {
    const { callback, transaction } = await answerLogin({ provider, identity }, 'alice')
    const now = Math.floor(Date.now() / 1_000)
    const nonce = transaction['nonce'] ?? ''
    idToken = await make({ iss: provider.issuer, aud: FORM_CLIENT, sub: 'alice', iat: now, exp: now + 60, nonce })
    return { complete: identity.browserLogin.complete(callback, transaction), forged: idToken }
  }

  return {
    provider,
    identity,
    completeWithToken,
    completeWith: (changes, key = provider.signingKey, alg = 'RS256') =>
      completeWithToken((claims) => signWith(key, { ...claims, ...changes } as JWTPayload, { alg })),
  }
}
