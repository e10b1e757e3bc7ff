import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  authorizationUrl,
  type ClientLoginHarness,
  clientBrowser,
  postJson,
  refusals,
  registered,
  startClientLogin,
  walkToCallback,
} from '../../harness/client-login.ts'

// A stranger registers a client, or starts another one's login, to have the code sent to themselves.
const LISTED = ['https://app.example.com/callback', 'cursor://anysphere.cursor-mcp/oauth/callback']
let harness: ClientLoginHarness
beforeAll(async () => {
  harness = await startClientLogin({ clientLogin: { redirectUris: LISTED } })
})
afterAll(() => harness.close())

test.each([
  'https://evil.example.com/callback',
  'https://app.example.com/callback/',
  'https://app.example.com/callback?next=x',
  'https://app.example.com:444/callback',
  'https://APP.example.com/callback',
  'https://app.example.com/./callback',
  'https://app.example.com.evil.example.com/callback',
  'https://app.example.com@evil.example.com/callback',
  'http://app.example.com/callback',
  'https://localhost/callback',
  'http://localhost.evil.example.com/callback',
  'http://127.0.0.1.evil.example.com/callback',
  'http://127.0.0.1@evil.example.com/callback',
  'http://user@127.0.0.1/callback',
  'http://127.0.0.1/callback#fragment',
  'http://127.0.0.1\\@evil.example.com/callback',
  'http://[::ffff:1.2.3.4]/callback',
  'http://0.0.0.0/callback',
  'cursor://anysphere.cursor-mcp/oauth/callback2',
  'cursor://evil/oauth/callback',
  'javascript:alert(1)//http://127.0.0.1',
  'data:text/html,x',
  'file:///etc/passwd',
  '//evil.example.com',
  ' http://127.0.0.1/callback',
  'http://127.0.0.1/call\nback',
  '',
])('%j cannot be registered', async (uri) => {
  const answer = await postJson(`${harness.baseUrl}/credentials/register`, {
    redirect_uris: ['http://127.0.0.1/callback', uri],
  })
  expect(answer.status).toBe(400)
  expect(answer.body['error']).toBe('invalid_redirect_uri')
  if (uri !== '') expect(JSON.stringify(answer.body)).not.toContain(uri)
})

test.each([
  ['http://127.0.0.1:8097/other', 'another path on loopback'],
  ['http://127.0.0.1:8097/callback?a=1', 'another query'],
  ['http://localhost:8097/callback', 'another name of loopback'],
  ['http://[::1]:8097/callback', 'another address of loopback'],
  [LISTED[0], 'a listed URI that this client did not register'],
  [LISTED[1], 'a listed scheme that this client did not register'],
  ['https://evil.example.com/callback', 'a stranger'],
])('%s (%s) is no place for the answer', async (redirectUri = '') => {
  const clientId = await registered(harness, ['http://127.0.0.1:8097/callback'])
  const before = refusals(harness).length
  const url = authorizationUrl(harness, { client_id: clientId, redirect_uri: redirectUri })
  const response = await fetch(url, { redirect: 'manual' })
  const html = await response.text()
  expect(response.status).toBe(400)
  expect(response.headers.get('location')).toBeNull()
  expect(html).not.toContain('http-equiv="refresh"')
  expect(html).not.toContain(new URL(redirectUri).host)
  expect(refusals(harness).slice(before)).toEqual(['client_redirect_uri'])
})

test('what is listed works, exactly, and loopback with any port', async () => {
  const clientId = await registered(harness, [...LISTED, 'http://127.0.0.1/callback'])
  for (const redirectUri of [...LISTED, 'http://127.0.0.1:1234/callback']) {
    const browser = clientBrowser(redirectUri)
    const back = await walkToCallback(
      authorizationUrl(harness, { client_id: clientId, redirect_uri: redirectUri }),
      browser,
    )
    const answer = await browser.follow(back, 'Return to')
    expect(answer.url.startsWith(`${redirectUri}?code=`)).toBe(true)
  }
})
