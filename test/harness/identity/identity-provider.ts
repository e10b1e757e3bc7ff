import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { importJWK, type JWK, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose'
import {
  browserClient,
  type IdentityProvider,
  type IdentityProviderOptions,
  makeSigningKey,
  startIdentityProvider as startExampleIdentityProvider,
  TOKEN_SCOPE,
} from '../../../examples/tickets/identity-provider.ts'
import { browserOf, type TestBrowser } from '../browser/test-browser.ts'

export { browserClient, makeSigningKey }

/** Replaces defaults of `issueAccessToken`. `undefined` in `claims` removes a claim. */
export interface TokenChanges {
  readonly audience?: string | readonly string[]
  /** Seconds from now; negative for a token that has expired. Default 300. */
  readonly expiresIn?: number
  /** Default `mcp`. */
  readonly scope?: string
  /** Default `test-mcp-client`. */
  readonly clientId?: string
  readonly issuer?: string
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Partial<JWTHeaderParameters>
  /** Default: the provider's own current key. */
  readonly key?: JWK
}

export interface TestIdentityProvider extends IdentityProvider {
  /** A token signed by the provider's own key, as the provider itself would issue it for `resource`. */
  issueAccessToken(user: string, changes?: TokenChanges): Promise<string>
  /** The current private key. */
  readonly signingKey: JWK
  /** Signs with a new key from now on. The former key stays published when `keepFormer`. */
  rotateKeys(options?: { readonly keepFormer?: boolean }): Promise<void>
  /** Answers 503 from now on, everywhere or below one path, or drops the connection. */
  stopAnswering(options?: { readonly path?: string; readonly how?: 'status' | 'drop' }): void
  startAnswering(): void
  /** How many requests came for a path, e.g. `/jwks`; all of them without one. */
  requestsFor(path?: string): number
  /** Goes from an authorization URL through the sign-in page to the callback, which is returned and not fetched. */
  signIn(authorizationUrl: string, user: string, browser?: TestBrowser): Promise<URL>
}

/** Keys of providers that have ended. Making one takes longer than most tests, and no two providers at a time have the same. */
const spareKeys: JWK[] = []

async function takeSigningKey(): Promise<JWK> {
  return { ...(spareKeys.pop() ?? (await makeSigningKey())), kid: randomBytes(8).toString('hex') }
}

/** oidc-provider on loopback, with what attacks and outages need. */
export async function startIdentityProvider(options: IdentityProviderOptions): Promise<TestIdentityProvider> {
  const requests: string[] = []
  let fault: { path: string; how: 'status' | 'drop' } | undefined
  let signingKey = await takeSigningKey()
  const taken = [signingKey]

  function intercept(request: IncomingMessage, response: ServerResponse): boolean {
    const path = new URL(request.url ?? '/', 'http://unused').pathname
    requests.push(path)
    if (fault === undefined || !path.startsWith(fault.path)) return options.intercept?.(request, response) ?? false
    if (fault.how === 'drop') request.socket.destroy()
    else response.writeHead(503).end()
    return true
  }

  const provider = await startExampleIdentityProvider({ ...options, keys: [signingKey], intercept })

  return {
    ...provider,
    get signingKey() {
      return signingKey
    },
    async issueAccessToken(user, changes = {}) {
      const now = Math.floor(Date.now() / 1_000)
      const clientId = changes.clientId ?? 'test-mcp-client'
      const claims = {
        jti: crypto.randomUUID(),
        iss: changes.issuer ?? provider.issuer,
        sub: user,
        aud: changes.audience ?? options.resource,
        iat: now,
        exp: now + (changes.expiresIn ?? 300),
        scope: changes.scope ?? TOKEN_SCOPE,
        client_id: clientId,
        ...changes.claims,
      }
      return signWith(changes.key ?? signingKey, claims as JWTPayload, { typ: 'at+jwt', ...changes.header })
    },
    async rotateKeys({ keepFormer = false } = {}) {
      const former = signingKey
      signingKey = await takeSigningKey()
      taken.push(signingKey)
      provider.useKeys(keepFormer ? [signingKey, former] : [signingKey])
    },
    stopAnswering({ path = '/', how = 'status' } = {}) {
      fault = { path, how }
    },
    startAnswering() {
      fault = undefined
    },
    requestsFor: (path) => requests.filter((requested) => path === undefined || requested === path).length,
    async close() {
      await provider.close()
      spareKeys.push(...taken.splice(0))
    },
    signIn: (authorizationUrl, user, browser = browserOf()) => browser.signIn(provider.issuer, authorizationUrl, user),
  }
}

/** Signs any claims with any private key, for forgeries. The header's `alg` and `kid` are the key's unless given. */
export async function signWith(
  key: JWK,
  claims: JWTPayload,
  header: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  const alg = header.alg ?? key.alg ?? 'RS256'
  return new SignJWT(claims)
    .setProtectedHeader({ ...(key.kid === undefined ? {} : { kid: key.kid }), ...header, alg })
    .sign(await importJWK(key, alg))
}
