import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type ClientLoginHarness,
  loggedIn,
  postJson,
  refusals,
  registered,
  requestTokens,
  startClientLogin,
} from '../../harness/client-login.ts'

// Our own client at the identity provider may do more than log people in. No client gets at that.
let harness: ClientLoginHarness
beforeAll(async () => {
  harness = await startClientLogin()
})
afterAll(() => harness.close())

test.each([
  'client_credentials',
  'password',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:ietf:params:oauth:grant-type:token-exchange',
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
  'implicit',
  '',
])('the grant type %j is not passed on', async (grantType) => {
  const clientId = await registered(harness)
  const asked = harness.provider.requestsFor('/token')
  const answer = await requestTokens(harness, { grant_type: grantType, client_id: clientId, scope: 'mcp' })
  expect([answer.status, answer.body['error']]).toEqual([400, 'unsupported_grant_type'])
  expect(refusals(harness).at(-1)).toBe('client_grant')
  expect(harness.provider.requestsFor('/token')).toBe(asked)
})

test('a secret, or a login of another kind, is not passed on either', async () => {
  const { grant } = await loggedIn(harness)
  const asked = harness.provider.requestsFor('/token')
  const withSecret = await requestTokens(harness, { ...grant, client_secret: 'a secret: with % and +' })
  const withHeader = await requestTokens(harness, grant, { headers: { authorization: 'Basic bWNwLXNlcnZlcjp4' } })
  for (const { status, body } of [withSecret, withHeader])
    expect([status, body['error']]).toEqual([401, 'invalid_client'])
  expect(harness.provider.requestsFor('/token')).toBe(asked)
})

test('tokens for another service', async () => {
  const { grant } = await loggedIn(harness)
  const { status, body } = await requestTokens(harness, { ...grant, resource: 'https://graph.example.com/' })
  expect([status, body['error']]).toEqual([400, 'invalid_target'])
})

test.each([
  ['application/json', '{"grant_type":"client_credentials"}', 415],
  ['text/plain', 'grant_type=client_credentials', 415],
  ['application/x-www-form-urlencoded', 'grant_type=refresh_token&grant_type=client_credentials', 400],
  ['application/x-www-form-urlencoded', `grant_type=${'a'.repeat(70_000)}`, 413],
])('a body of type %s like %.40s: %i', async (type, body, status) => {
  const response = await requestTokens(harness, {}, { body, headers: { 'content-type': type } })
  expect([response.status, response.body['error']]).toEqual([status, 'invalid_request'])
})

test('a registration that is no JSON, too large, or asks for other flows', async () => {
  const url = `${harness.baseUrl}/credentials/register`
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  expect((await fetch(url, { method: 'POST', headers, body: 'redirect_uris=http://127.0.0.1/' })).status).toBe(415)
  const redirect_uris = ['http://127.0.0.1/callback']
  expect((await postJson(url, { redirect_uris, padding: 'a'.repeat(20_000) })).status).toBe(413)
  for (const wrong of [
    {},
    { redirect_uris: [] },
    { redirect_uris: 'http://127.0.0.1/callback' },
    { redirect_uris: Array.from({ length: 11 }, () => 'http://127.0.0.1/callback') },
    { redirect_uris, grant_types: ['client_credentials'] },
    { redirect_uris, response_types: ['token'] },
    [],
    'text',
    null,
  ]) {
    const { status, body } = await postJson(url, wrong)
    expect([status, body['error']]).toEqual([400, 'invalid_client_metadata'])
  }
})
