import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type ClientLoginHarness,
  loggedIn,
  pkce,
  refusals,
  registered,
  requestTokens,
  startClientLogin,
} from '../../harness/client-login.ts'

// All clients are one client at the identity provider, so only this server tells them apart.
let harness: ClientLoginHarness
beforeAll(async () => {
  harness = await startClientLogin()
})
afterAll(() => harness.close())

test('a code with its verifier, used by another registration', async () => {
  const { grant } = await loggedIn(harness)
  const thief = await registered(harness)
  const asked = harness.provider.requestsFor('/token')
  const refused = await requestTokens(harness, { ...grant, client_id: thief })
  expect(refused.status).toBe(400)
  expect(refused.body['error']).toBe('invalid_grant')
  expect(refusals(harness).at(-1)).toBe('client_code')
  // The code is still its owner's: the thief's attempt has not used it up.
  expect(harness.provider.requestsFor('/token')).toBe(asked)
  expect((await requestTokens(harness, grant)).status).toBe(200)
})

test.each([
  ['another redirect URI', { redirect_uri: 'http://127.0.0.1:9/callback' }],
  ['no redirect URI', { redirect_uri: '' }],
  ['another verifier', { code_verifier: pkce().verifier }],
  ['no verifier', { code_verifier: '' }],
  ['a made-up code', { code: 'a-code-of-the-provider' }],
])('a code with %s', async (_, changes) => {
  const { grant } = await loggedIn(harness)
  const asked = harness.provider.requestsFor('/token')
  const { status, body } = await requestTokens(harness, { ...grant, ...changes })
  expect([status, body['error']]).toEqual([400, 'invalid_grant'])
  // Some providers ignore the verifier, so nothing may depend on theirs.
  expect(harness.provider.requestsFor('/token')).toBe(asked)
})

test('a code works once', async () => {
  const { grant } = await loggedIn(harness)
  expect((await requestTokens(harness, grant)).status).toBe(200)
  const { status, body } = await requestTokens(harness, grant)
  expect([status, body['error']]).toEqual([400, 'invalid_grant'])
  expect(refusals(harness).at(-1)).toBe('replayed_code')
})

test("the provider's own code never reaches a client, nor do its client id and ID token", async () => {
  const { grant } = await loggedIn(harness)
  const { body } = await requestTokens(harness, grant)
  expect(Object.keys(body).sort()).toEqual(['access_token', 'expires_in', 'refresh_token', 'scope', 'token_type'])
  expect(grant['code']).not.toBe('')
  const asProvider = await fetch(`${harness.provider.issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from('mcp-server:a+secret%3A+with+%25+and+%2B').toString('base64')}` },
    body: new URLSearchParams({ ...grant, redirect_uri: `${harness.baseUrl}/credentials/callback` }),
  })
  expect(await asProvider.json()).toMatchObject({ error: expect.stringMatching(/^invalid_/) })
})

test('a client id that this server has not sealed', async () => {
  const { grant } = await loggedIn(harness)
  for (const clientId of ['mcp-server', '', `${grant['client_id']}A`, 'https://clients.example.com/client.json']) {
    const { status, body } = await requestTokens(harness, { ...grant, client_id: clientId })
    expect([status, body['error']]).toEqual([401, 'invalid_client'])
  }
})
