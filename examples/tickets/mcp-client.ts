import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import { ElicitRequestSchema, type ElicitResult } from '@modelcontextprotocol/sdk/types.js'
import { httpBrowser } from './http-browser.ts'

const CALLBACK = 'http://localhost:8099/callback'

export interface McpClientOptions {
  readonly url: string
  /** Name on the identity provider's button, e.g. `Alice`. */
  readonly user: string
  /** Answers URL elicitation; without it the client declares no URL mode. */
  readonly onLink?: (link: string, message: string) => ElicitResult['action'] | Promise<ElicitResult['action']>
}

/** An MCP client that signs its user in as any client does: metadata, registration, code with PKCE. */
export async function connectMcpClient({ url, user, onLink }: McpClientOptions): Promise<Client> {
  const login = oauthLogin(user)
  const first = new StreamableHTTPClientTransport(new URL(url), { authProvider: login.provider })
  const capabilities = onLink ? { elicitation: { url: {} } } : {}
  const client = new Client({ name: 'example-client', version: '1.0.0' }, { capabilities })
  if (onLink) {
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
      if (params.mode !== 'url') throw new Error('Secrets are never asked for in form mode.')
      return { action: await onLink(params.url, params.message) }
    })
  }
  // Unauthorized: the transport has sent the user to the identity provider and waits for the code.
  await client.connect(transportOf(first)).catch(() => undefined)
  await first.finishAuth(await login.code())
  await client.connect(transportOf(new StreamableHTTPClientTransport(new URL(url), { authProvider: login.provider })))
  return client
}

type Transport = Parameters<Client['connect']>[0]

// The SDK's class declares `sessionId?: string | undefined` where its interface, under exactOptionalPropertyTypes, does not.
function transportOf(transport: StreamableHTTPClientTransport): Transport {
  return transport as Transport
}

export interface OauthLogin {
  readonly provider: OAuthClientProvider
  /** Walks through the identity provider. Resolves to what it sends to the client's callback. */
  callback(): Promise<URLSearchParams>
  /** As `callback()`, but resolves to the code only. */
  code(): Promise<string>
}

/** Signs a user in by metadata, registration, and code with PKCE. */
export function oauthLogin(user: string): OauthLogin {
  const browser = httpBrowser({ stopBefore: CALLBACK })
  let information: OAuthClientInformationMixed | undefined
  let tokens: OAuthTokens | undefined
  let verifier = ''
  let authorization: URL | undefined
  const provider: OAuthClientProvider = {
    redirectUrl: CALLBACK,
    clientMetadata: {
      client_name: 'example-client',
      redirect_uris: [CALLBACK],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
    clientInformation: () => information,
    saveClientInformation: (saved) => {
      information = saved
    },
    tokens: () => tokens,
    saveTokens: (saved) => {
      tokens = saved
    },
    saveCodeVerifier: (saved) => {
      verifier = saved
    },
    codeVerifier: () => verifier,
    redirectToAuthorization: (target) => {
      authorization = target
    },
  }
  async function callback(): Promise<URLSearchParams> {
    if (!authorization) throw new Error('The server did not ask this client to sign its user in.')
    const signIn = await browser.open(authorization.href)
    const back = await browser.press(signIn, `Continue as ${user}`)
    return new URL(back.url).searchParams
  }
  return { provider, callback, code: async () => (await callback()).get('code') ?? '' }
}
