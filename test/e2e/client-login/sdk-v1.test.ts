import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ClientLoginHarness, memoryLogin, startClientLogin, walkLogin } from '../../harness/client-login.ts'

let harness: ClientLoginHarness
beforeAll(async () => {
  harness = await startClientLogin()
})
afterAll(() => harness.close())

test('the SDK 1.x client registers, logs in, calls a tool, and refreshes by itself', async () => {
  const url = new URL(`${harness.baseUrl}/mcp`)
  const { provider, seen } = memoryLogin<OAuthClientInformationMixed, OAuthTokens>('SDK 1.x')
  const first = new StreamableHTTPClientTransport(url, { authProvider: provider })
  await expect(new Client({ name: 'c', version: '1' }).connect(transportOf(first))).rejects.toThrow('Unauthorized')

  const answer = await walkLogin(seen.authorizationUrl)
  expect(answer.searchParams.get('state')).toBe('the state of the client')
  expect(answer.searchParams.get('iss')).toBe(harness.baseUrl)
  await first.finishAuth(answer.searchParams.get('code') ?? '')
  expect(await callWhoami(url, provider)).toBe('alice')

  const former = seen.tokens
  seen.tokens = { ...former, access_token: 'no-longer-valid', token_type: 'Bearer' }
  expect(await callWhoami(url, provider)).toBe('alice')
  expect(seen.tokens).toEqual({
    access_token: expect.stringMatching(/^eyJ/),
    token_type: 'Bearer',
    expires_in: 3600,
    refresh_token: expect.any(String),
    scope: 'mcp',
    issuer: former && Reflect.get(former, 'issuer'),
  })
  expect(seen.tokens.access_token).not.toBe(former?.access_token)
  // True of this provider, as it is set up here.
  expect(harness.problems).toEqual([expect.stringContaining('does not rotate the refresh tokens')])
})

async function callWhoami(url: URL, provider: OAuthClientProvider): Promise<string> {
  const client = new Client({ name: 'c', version: '1' })
  await client.connect(transportOf(new StreamableHTTPClientTransport(url, { authProvider: provider })))
  const { content } = CallToolResultSchema.parse(await client.callTool({ name: 'whoami', arguments: {} }))
  await client.close()
  return content.map((block) => (block.type === 'text' ? block.text : '')).join('')
}

// The SDK's class declares `sessionId?: string | undefined` where its interface, under exactOptionalPropertyTypes, does not.
function transportOf(transport: StreamableHTTPClientTransport): Parameters<Client['connect']>[0] {
  return transport as Parameters<Client['connect']>[0]
}
