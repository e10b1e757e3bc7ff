import { auth, type OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ClientLoginHarness, REDIRECT_URI, startClientLogin, walkLogin } from '../../harness/client-login.ts'

let harness: ClientLoginHarness
beforeAll(async () => {
  harness = await startClientLogin()
})
afterAll(() => harness.close())

test('the SDK 1.x client registers, logs in, calls a tool, and refreshes by itself', async () => {
  const url = new URL(`${harness.baseUrl}/mcp`)
  const { provider, seen } = memoryProvider()
  const first = new StreamableHTTPClientTransport(url, { authProvider: provider })
  await expect(new Client({ name: 'c', version: '1' }).connect(first as never)).rejects.toThrow('Unauthorized')

  const answer = await walkLogin(seen.authorizationUrl)
  expect(answer.searchParams.get('state')).toBe('the state of the client')
  expect(answer.searchParams.get('iss')).toBe(harness.baseUrl)
  await first.finishAuth(answer.searchParams.get('code') ?? '')
  expect(seen.tokens).toMatchObject({ token_type: 'Bearer', scope: 'mcp', refresh_token: expect.any(String) })
  expect(await callWhoami(url, provider)).toBe('alice')

  const { access_token, refresh_token } = seen.tokens ?? {}
  seen.tokens = { ...seen.tokens, access_token: 'no-longer-valid', token_type: 'Bearer' }
  expect(await callWhoami(url, provider)).toBe('alice')
  expect(seen.tokens?.access_token).not.toBe(access_token)
  expect(seen.tokens?.refresh_token).not.toBe(refresh_token)
  expect(await auth(provider, { serverUrl: url })).toBe('AUTHORIZED')
  expect(harness.problems).toEqual([])
})

async function callWhoami(url: URL, provider: OAuthClientProvider): Promise<string> {
  const client = new Client({ name: 'c', version: '1' })
  await client.connect(new StreamableHTTPClientTransport(url, { authProvider: provider }) as never)
  const { content } = await client.callTool({ name: 'whoami', arguments: {} })
  await client.close()
  return (content as { text: string }[])[0]?.text ?? ''
}

function memoryProvider() {
  const seen: { authorizationUrl: string; tokens: OAuthTokens | undefined } = {
    authorizationUrl: '',
    tokens: undefined,
  }
  let information: OAuthClientInformationMixed | undefined
  let verifier = ''
  const provider: OAuthClientProvider = {
    redirectUrl: REDIRECT_URI,
    clientMetadata: {
      client_name: 'SDK 1.x',
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token'],
    },
    state: () => 'the state of the client',
    clientInformation: () => information,
    saveClientInformation: (saved) => {
      information = saved
    },
    tokens: () => seen.tokens,
    saveTokens: (saved) => {
      seen.tokens = saved
    },
    saveCodeVerifier: (saved) => {
      verifier = saved
    },
    codeVerifier: () => verifier,
    redirectToAuthorization: (target) => {
      seen.authorizationUrl = target.href
    },
  }
  return { provider, seen }
}
