import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type ClientLoginHarness,
  loggedIn,
  refusals,
  registered,
  requestTokens,
  startClientLogin,
} from '../../harness/client-login.ts'

let harness: ClientLoginHarness
beforeAll(async () => {
  harness = await startClientLogin()
})
afterAll(() => harness.close())

test('a refresh token works for the registration it was issued to, and for no other', async () => {
  const { grant, clientId } = await loggedIn(harness)
  const { body } = await requestTokens(harness, grant)
  const refresh = { grant_type: 'refresh_token', refresh_token: String(body['refresh_token']), client_id: clientId }
  const thief = await registered(harness)
  const asked = harness.provider.requestsFor('/token')
  const refused = await requestTokens(harness, { ...refresh, client_id: thief })
  expect([refused.status, refused.body['error']]).toEqual([400, 'invalid_grant'])
  expect(refusals(harness).at(-1)).toBe('client_refresh_token')
  expect(harness.provider.requestsFor('/token')).toBe(asked)
  expect((await requestTokens(harness, refresh)).status).toBe(200)
})

test.each(['a code', 'a made-up token', 'an access token'])('%s is no refresh token', async (kind) => {
  const { grant, clientId } = await loggedIn(harness)
  const token = {
    'a code': grant['code'] ?? '',
    'a made-up token': 'a-refresh-token-of-the-provider',
    'an access token': await harness.provider.issueAccessToken('alice'),
  }[kind]
  const answer = await requestTokens(harness, {
    grant_type: 'refresh_token',
    refresh_token: token ?? '',
    client_id: clientId,
  })
  expect([answer.status, answer.body['error']]).toEqual([400, 'invalid_grant'])
})

test('a refresh cannot be widened to scopes that the operator does not offer', async () => {
  const { grant, clientId } = await loggedIn(harness)
  const { body } = await requestTokens(harness, grant)
  const widened = await requestTokens(harness, {
    grant_type: 'refresh_token',
    refresh_token: String(body['refresh_token']),
    client_id: clientId,
    scope: 'mcp email profile',
  })
  expect(widened.body['scope']).toBe('mcp')
})
