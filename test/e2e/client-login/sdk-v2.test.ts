import {
  Client,
  IssuerMismatchError,
  type OAuthClientInformationMixed,
  type OAuthClientProvider,
  type OAuthTokens,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ClientLoginHarness, memoryLogin, startClientLogin, walkLogin } from '../../harness/client-login.ts'

let harness: ClientLoginHarness
beforeAll(async () => {
  harness = await startClientLogin()
})
afterAll(() => harness.close())

test('the SDK 2.x client checks our issuer, logs in, calls a tool, and refreshes by itself', async () => {
  const url = new URL(`${harness.baseUrl}/mcp`)
  const { provider, seen } = memoryLogin<OAuthClientInformationMixed, OAuthTokens>('SDK 2.x')
  const first = new StreamableHTTPClientTransport(url, { authProvider: provider })
  await expect(new Client({ name: 'c', version: '1' }).connect(first)).rejects.toThrow('Unauthorized')
  expect(new URL(seen.authorizationUrl).searchParams.get('scope')).toBe('mcp offline_access')

  const answer = await walkLogin(seen.authorizationUrl)
  const altered = new URLSearchParams(answer.searchParams)
  altered.set('iss', `${harness.baseUrl}/`)
  await expect(first.finishAuth(altered)).rejects.toThrow(IssuerMismatchError)
  await first.finishAuth(answer.searchParams)
  expect(await callWhoami(url, provider)).toBe('alice')

  const former = seen.tokens
  seen.tokens = { ...former, access_token: 'no-longer-valid', token_type: 'Bearer' }
  expect(await callWhoami(url, provider)).toBe('alice')
  expect(seen.tokens.access_token).toMatch(/^eyJ/)
  expect(seen.tokens.access_token).not.toBe(former?.access_token)
  expect(seen.tokens.refresh_token).not.toBe(former?.refresh_token)
  // True of this provider, as it is set up here.
  expect(harness.problems).toEqual([expect.stringContaining('does not rotate the refresh tokens')])
})

async function callWhoami(url: URL, provider: OAuthClientProvider): Promise<string> {
  const client = new Client({ name: 'c', version: '1' })
  await client.connect(new StreamableHTTPClientTransport(url, { authProvider: provider }))
  const { content } = await client.callTool({ name: 'whoami', arguments: {} })
  await client.close()
  return content.map((block) => (block.type === 'text' ? block.text : '')).join('')
}
