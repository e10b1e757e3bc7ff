import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import Koa from 'koa'
import { type HttpBrowser, httpBrowser, type Page } from '../../examples/tickets/http-browser.ts'
import { type MemoryAudit, memoryAudit } from '../../src/audit/memory.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { oidc } from '../../src/identity/oidc.ts'
import type { OidcOptions } from '../../src/identity/oidc-options.ts'
import { mcpMount } from '../../src/mcp/sdk-v1/index.ts'
import type { CredentialVault } from '../../src/vault/credential-vault.ts'
import { openVault } from '../../src/vault/open-vault.ts'
import type { OpenVaultOptions } from '../../src/vault/parts/open-vault-options.ts'
import { CLIENT_ID, CLIENT_SECRET, startClosedProvider } from './identity/closed-provider.ts'
import type { TestIdentityProvider } from './identity/identity-provider.ts'

/** A client's redirect URI, at which nobody listens: the browser stops there. */
export const REDIRECT_URI = 'http://127.0.0.1:8097/callback'

export interface ClientLoginHarness {
  readonly baseUrl: string
  readonly vault: CredentialVault
  readonly audit: MemoryAudit
  readonly provider: TestIdentityProvider
  readonly problems: readonly string[]
  close(): Promise<void>
}

export interface ClientLoginHarnessOptions {
  readonly clientLogin?: OidcOptions['clientLogin']
  /** Clients log in at the identity provider, which they cannot. */
  readonly withoutClientLogin?: boolean
  /** Comes before the vault's routes. */
  readonly before?: Koa.Middleware
  readonly vault?: Partial<OpenVaultOptions>
  readonly intercept?: NonNullable<Parameters<typeof startClosedProvider>[1]>['intercept']
}

/** A server whose clients log in through it, at an identity provider without registration. Its tool `whoami` needs no credential. */
export async function startClientLogin(options: ClientLoginHarnessOptions = {}): Promise<ClientLoginHarness> {
  const app = new Koa()
  const problems: string[] = []
  app.on('error', (error: Error) => {
    // A client that has gone is no problem.
    if (!('code' in error)) problems.push(error.message)
  })
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const baseUrl = `http://localhost:${(server.address() as AddressInfo).port}`
  const provider = await startClosedProvider(baseUrl, { intercept: options.intercept })
  const audit = memoryAudit()
  const vault = await openVault({
    serverBaseUrl: baseUrl,
    serverName: 'Ticket Tools',
    backend: memoryBackend(),
    audit,
    webKey: generateKeyText(),
    identity: oidc({
      issuer: provider.issuer,
      clientId: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      scopes: ['mcp'],
      ...(options.withoutClientLogin !== true && {
        // Without it, this provider issues no refresh token (OpenID Connect Core 1.0 §11).
        clientLogin: { authorizationParameters: { prompt: 'consent' }, ...options.clientLogin },
      }),
    }),
    warn: (message) => problems.push(message),
    ...options.vault,
  })
  if (options.before) app.use(options.before)
  vault.register(app)
  app.use(
    mcpMount(vault, (serverOptions) => {
      const mcp = new McpServer({ name: 'test', version: '1.0.0' }, serverOptions)
      mcp.registerTool('whoami', {}, async (extra) => ({
        content: [{ type: 'text', text: String(extra.authInfo?.extra?.['sub']) }],
      }))
      return mcp
    }),
  )
  server.on('request', app.callback())
  return {
    baseUrl,
    vault,
    audit,
    provider,
    problems,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await vault.close()
      await provider.close()
    },
  }
}

/** A PKCE pair (RFC 7636). */
export function pkce(): { readonly verifier: string; readonly challenge: string } {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}

/** Registers a client, and returns its client id. */
export async function registered(
  { baseUrl }: Pick<ClientLoginHarness, 'baseUrl'>,
  redirectUris: readonly string[] = [REDIRECT_URI],
  name = 'A client',
): Promise<string> {
  const { status, body } = await postJson(`${baseUrl}/credentials/register`, {
    redirect_uris: redirectUris,
    client_name: name,
  })
  if (status !== 201) throw new Error(`The registration was answered with ${status}.`)
  return String(body['client_id'])
}

/** The address of an authorization request. An empty text leaves a parameter out. */
export function authorizationUrl(
  { baseUrl }: Pick<ClientLoginHarness, 'baseUrl'>,
  parameters: Readonly<Record<string, string>>,
): string {
  const url = new URL(`${baseUrl}/credentials/authorize`)
  const all = {
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    state: 'its-state',
    code_challenge: pkce().challenge,
    code_challenge_method: 'S256',
    ...parameters,
  }
  for (const [name, value] of Object.entries(all)) if (value !== '') url.searchParams.set(name, value)
  return url.href
}

export interface ProgramResponse {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
}

/** Asks the token endpoint. */
export async function requestTokens(
  { baseUrl }: Pick<ClientLoginHarness, 'baseUrl'>,
  fields: Readonly<Record<string, string>>,
  init: RequestInit = {},
): Promise<ProgramResponse> {
  return answerOf(
    await fetch(`${baseUrl}/credentials/token`, { method: 'POST', body: new URLSearchParams(fields), ...init }),
  )
}

export async function postJson(url: string, value: unknown): Promise<ProgramResponse> {
  const headers = { 'content-type': 'application/json' }
  return answerOf(await fetch(url, { method: 'POST', headers, body: JSON.stringify(value) }))
}

async function answerOf(response: Response): Promise<ProgramResponse> {
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  }
}

export interface LoggedIn {
  readonly clientId: string
  /** What the token endpoint wants for the code. */
  readonly grant: Readonly<Record<string, string>>
}

/** A client whose user has signed in, and which has its code. */
export async function loggedIn(harness: Pick<ClientLoginHarness, 'baseUrl'>, browser?: HttpBrowser): Promise<LoggedIn> {
  const clientId = await registered(harness)
  const { verifier, challenge } = pkce()
  const url = authorizationUrl(harness, { client_id: clientId, code_challenge: challenge })
  const answer = await walkLogin(url, browser)
  const code = answer.searchParams.get('code') ?? ''
  const grant = {
    grant_type: 'authorization_code',
    client_id: clientId,
    redirect_uri: REDIRECT_URI,
    code,
    code_verifier: verifier,
  }
  return { clientId, grant }
}

/** Reasons of refusals in the log. */
export function refusals({ audit }: Pick<ClientLoginHarness, 'audit'>): readonly unknown[] {
  return audit.events.filter(({ type }) => type === 'client.refused').map(({ reason }) => reason)
}

/** A browser that stops at the client's redirect URI. */
export function clientBrowser(redirectUri = REDIRECT_URI): HttpBrowser {
  return httpBrowser({ stopBefore: redirectUri })
}

/** Agrees on the consent page, signs in as Alice, and returns the address at which the client gets its answer. */
export async function walkLogin(
  authorizationUrl: string,
  browser: HttpBrowser = clientBrowser(),
  user = 'Alice',
): Promise<URL> {
  const back = await walkToCallback(authorizationUrl, browser, user)
  return new URL((await browser.follow(back, 'Return to')).url)
}

/** {@link walkLogin} as far as our own page that sends the browser back to the client. */
export async function walkToCallback(authorizationUrl: string, browser: HttpBrowser, user = 'Alice'): Promise<Page> {
  const consent = await browser.open(authorizationUrl)
  const leaving = await browser.press(consent, 'Continue')
  const signIn = await browser.follow(leaving, 'Continue')
  return signIn.html.includes(`Continue as ${user}`) ? browser.press(signIn, `Continue as ${user}`) : signIn
}

/** A client's memory, in the shape that both SDKs' login code wants. `I` and `T` are the SDK's types of registration and tokens. */
export function memoryLogin<I, T extends object>(clientName: string) {
  const seen: { authorizationUrl: string; tokens: T | undefined; information: I | undefined } = {
    authorizationUrl: '',
    tokens: undefined,
    information: undefined,
  }
  let verifier = ''
  let discovered: object | undefined
  const provider = {
    redirectUrl: REDIRECT_URI,
    clientMetadata: {
      client_name: clientName,
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token'],
    },
    state: () => 'the state of the client',
    clientInformation: () => seen.information,
    saveClientInformation: (saved: I) => {
      seen.information = saved
    },
    tokens: () => seen.tokens,
    saveTokens: (saved: T) => {
      seen.tokens = saved
    },
    saveCodeVerifier: (saved: string) => {
      verifier = saved
    },
    codeVerifier: () => verifier,
    saveDiscoveryState: (state: object) => {
      discovered = state
    },
    discoveryState: () => discovered as never,
    redirectToAuthorization: (target: URL) => {
      seen.authorizationUrl = target.href
    },
  }
  return { provider, seen }
}
