import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import type { AccountClaims, ClientMetadata, Configuration, Provider as OidcProvider } from 'oidc-provider'
import { notFoundPage, PAGE_HEADERS } from './example-page.ts'
import { identityProviderPage, sendNoticePage, sendSignInPage } from './identity-provider-page.ts'
import { identityProviderRecords } from './identity-provider-records.ts'

export interface IdentityProviderUser {
  /** The `sub` of the user's tokens. */
  readonly account: string
  readonly name: string
}

export interface IdentityProviderOptions {
  /** Default 0: any free port. */
  readonly port?: number | undefined
  /** Host of the issuer. Always bound to loopback. Default `127.0.0.1`. */
  readonly host?: '127.0.0.1' | 'localhost' | undefined
  /** The MCP server's resource, `http://…/mcp`: the audience of access tokens. */
  readonly resource: string
  /** Known from the start. Others register themselves (RFC 7591), as MCP clients do. */
  readonly clients?: readonly ClientMetadata[] | undefined
  /** Default Alice and Bob. */
  readonly users?: readonly IdentityProviderUser[] | undefined
  /** Shown on the sign-in page. Default `Example Company`. */
  readonly serviceName?: string | undefined
  /** Private keys; it signs with the first. Default a new RS256 key. */
  readonly keys?: readonly JWK[] | undefined
  /** Laid over the provider's own configuration. */
  readonly configuration?: Configuration | undefined
  /** Sees every request first; returns true when it has answered. */
  readonly intercept?: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined
}

export interface IdentityProvider {
  readonly issuer: string
  readonly users: readonly IdentityProviderUser[]
  /** Publishes these private keys' public halves from now on and signs with the first. */
  useKeys(keys: readonly JWK[]): void
  close(): Promise<void>
}

export const TOKEN_SCOPE = 'mcp'

const ALICE_AND_BOB: readonly IdentityProviderUser[] = [
  { account: 'alice', name: 'Alice' },
  { account: 'bob', name: 'Bob' },
]

/** A public client for a browser login, as `oidc({ issuer, clientId })` expects it. */
export function browserClient(clientId: string, redirectUris: readonly string[]): ClientMetadata {
  return {
    client_id: clientId,
    redirect_uris: [...redirectUris],
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    response_types: ['code'],
  }
}

/** A real OpenID Connect provider for trying things out: in memory, on loopback, without passwords. */
export async function startIdentityProvider(options: IdentityProviderOptions): Promise<IdentityProvider> {
  const oidcProvider = await importOidcProvider()
  const users = options.users ?? ALICE_AND_BOB
  const host = options.host ?? '127.0.0.1'
  const keys = options.keys ?? [await makeSigningKey()]
  const server = createServer()
  await listen(server, options.port ?? 0, host)
  const issuer = `http://${host}:${(server.address() as AddressInfo).port}`
  const settings = configuration(options, users, oidcProvider)

  // A Provider's keys are fixed when it is made. Its records live outside of it, so replacing it is changing its keys.
  const withKeys = (keys: readonly JWK[]) =>
    serve(new oidcProvider.Provider(issuer, { ...settings, jwks: { keys: [...keys] } }), options, users)
  let handle = withKeys(keys)
  server.on('request', (request, response) => {
    if (options.intercept?.(request, response) !== true) handle(request, response)
  })
  return {
    issuer,
    users,
    useKeys(keys) {
      handle = withKeys(keys)
    },
    close: () => close(server),
  }
}

/** A private RS256 key with a random `kid`. */
export async function makeSigningKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return { ...(await exportJWK(privateKey)), kid: randomBytes(8).toString('hex'), alg: 'RS256', use: 'sig' }
}

function configuration(
  options: IdentityProviderOptions,
  users: readonly IdentityProviderUser[],
  { errors, interactionPolicy }: OidcProviderModule,
): Configuration {
  const prompts = interactionPolicy.base()
  // Clients that want refresh tokens ask for consent; to continue as somebody gives it, and nobody is asked apart.
  prompts.get('consent')?.checks.clear()
  return {
    adapter: identityProviderRecords(),
    clients: [...(options.clients ?? [])],
    cookies: { keys: [randomBytes(32).toString('hex')] },
    scopes: ['openid', 'profile', 'email', 'offline_access', TOKEN_SCOPE],
    claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    // Browser-based MCP clients fetch their tokens themselves.
    clientBasedCORS: (_context, _origin, client) => client.tokenEndpointAuthMethod === 'none',
    interactions: { policy: prompts, url: (_context, interaction) => `/sign-in/${interaction.uid}` },
    ttl: {
      AccessToken: 3_600,
      AuthorizationCode: 60,
      Grant: 86_400,
      IdToken: 3_600,
      Interaction: 600,
      RefreshToken: 86_400,
      Session: 86_400,
    },
    features: {
      // Its pages load fonts from the internet.
      devInteractions: { enabled: false },
      registration: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => options.resource,
        useGrantedResource: () => true,
        getResourceServerInfo: async (_context, resource) => {
          if (resource !== options.resource) throw new errors.InvalidTarget()
          return { scope: TOKEN_SCOPE, audience: resource, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }
        },
      },
    },
    findAccount: (_context, account) => {
      const user = users.find((candidate) => candidate.account === account)
      return user && { accountId: account, claims: () => claimsOf(user) }
    },
    // Everything is granted.
    loadExistingGrant: async ({ oidc }) => {
      const grant = new oidc.provider.Grant({ clientId: oidc.client?.clientId, accountId: oidc.session?.accountId })
      grant.addOIDCScope(`openid profile email offline_access ${TOKEN_SCOPE}`)
      grant.addResourceScope(options.resource, TOKEN_SCOPE)
      await grant.save()
      return grant
    },
    ...options.configuration,
  }
}

function claimsOf(user: IdentityProviderUser): AccountClaims {
  return {
    sub: user.account,
    name: user.name,
    preferred_username: user.account,
    email: `${user.account}@example.com`,
    email_verified: true,
  }
}

function serve(provider: OidcProvider, options: IdentityProviderOptions, users: readonly IdentityProviderUser[]) {
  const serviceName = options.serviceName ?? 'Example Company'
  provider.use(async (context, next) => {
    await next()
    // Its own answer to an address that it does not have is two words.
    if (context.status !== 404 || context['oidc']?.route !== undefined) return
    const home = new URL('/', options.resource).href
    context.set(PAGE_HEADERS)
    context.body = context.path === '/' ? identityProviderPage(users, home) : notFoundPage('identity provider', home)
    context.status = context.path === '/' ? 200 : 404
  })
  const answer = provider.callback()
  provider.on('server_error', (_context, error) => console.error('identity provider:', error))

  async function signIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { uid, session } = await provider.interactionDetails(request, response)
    if (request.method !== 'POST') return sendSignInPage(response, { serviceName, action: `/sign-in/${uid}`, users })
    const account = new URLSearchParams(await bodyOf(request)).get('account')
    if (!users.some((user) => user.account === account)) return sendNoticePage(response, 400, 'There is no such person')
    const returnTo = await provider.interactionResult(request, response, {
      login: { accountId: account ?? '' },
      consent: {},
    })
    if (session !== undefined && session.accountId !== account) await signOut(provider, session.uid)
    response.writeHead(303, { location: returnTo }).end()
  }

  return (request: IncomingMessage, response: ServerResponse): void => {
    if (!request.url?.startsWith('/sign-in/')) {
      void answer(request, response)
      return
    }
    signIn(request, response).catch((error: unknown) => {
      const expected = error instanceof Error && error.name === 'SessionNotFound'
      if (!expected) console.error('identity provider:', error)
      request.resume()
      if (response.headersSent) response.end()
      else if (expected) sendNoticePage(response, 400, 'This sign-in page is no longer open')
      else sendNoticePage(response, 500, 'Signing in does not work right now')
    })
  }
}

/** Otherwise a change of person goes through a page of the provider's that needs JavaScript. */
async function signOut(provider: OidcProvider, sessionUid: string): Promise<void> {
  const session = await provider.Session.findByUid(sessionUid)
  if (!session) return
  session.accountId = undefined
  await session.persist()
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) {
    body += chunk
    if (body.length > 1_000) throw new Error('The form is too long.')
  }
  return body
}

type OidcProviderModule = typeof import('oidc-provider')

let imported: Promise<OidcProviderModule> | undefined

/** On Node.js 20 the package warns at import that it wants 22, although it works. Nothing else that is said meanwhile is held back. */
function importOidcProvider(): Promise<OidcProviderModule> {
  if (imported) return imported
  const { warn } = console
  console.warn = (...texts: unknown[]) => {
    if (!String(texts[0]).includes('oidc-provider WARNING: Unsupported runtime')) warn(...texts)
  }
  imported = import('oidc-provider').finally(() => {
    console.warn = warn
  })
  return imported
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()))
    server.closeAllConnections()
  })
}
