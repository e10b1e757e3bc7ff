import { afterAll, beforeAll, expect, test } from 'vitest'
import { authorizationUrl, type ClientLoginHarness, registered, startClientLogin } from '../../harness/client-login.ts'

// Authorization servers that answer errors at the redirect URI can be used to lead people anywhere (RFC 9700 §4.11.2).
const EVIL = 'https://evil.example.com/phish'
let harness: ClientLoginHarness
let clientId: string
beforeAll(async () => {
  harness = await startClientLogin()
  clientId = await registered(harness)
})
afterAll(() => harness.close())

test.each([
  { response_type: 'token' },
  { response_type: '' },
  { response_mode: 'form_post' },
  { response_mode: 'fragment' },
  { code_challenge: '' },
  { code_challenge: 'too-short' },
  { code_challenge_method: 'plain' },
  { code_challenge_method: '' },
  { resource: 'https://other.example.com/mcp' },
  { state: 'ä' },
  { state: 'a'.repeat(1025) },
  { request_uri: EVIL },
  { request: 'eyJhbGciOiJub25lIn0.e30.' },
  { client_id: 'mcp-server' },
  { client_id: EVIL },
  { client_id: '' },
  { redirect_uri: '' },
])('%j: a page of ours, whatever the redirect URI', async (wrong) => {
  for (const redirect_uri of ['http://127.0.0.1:8097/callback', EVIL, 'javascript:alert(1)']) {
    const url = authorizationUrl(harness, { client_id: clientId, redirect_uri, ...wrong })
    const response = await fetch(url, { redirect: 'manual' })
    const html = await response.text()
    expect(response.status).toBe(400)
    expect(response.headers.get('location')).toBeNull()
    expect(html).not.toContain('http-equiv="refresh"')
    expect(html).not.toMatch(/evil|javascript:|127\.0\.0\.1/)
  }
})

test.each(['client_id', 'redirect_uri', 'state', 'scope'])('%s twice', async (name) => {
  const url = authorizationUrl(harness, { client_id: clientId, scope: 'mcp' })
  const response = await fetch(`${url}&${name}=x`, { redirect: 'manual' })
  expect([response.status, response.headers.get('location')]).toEqual([400, null])
})

test('an error that the browser says is from the identity provider leads nowhere without a login', async () => {
  const query = new URLSearchParams({ error: 'access_denied', iss: harness.provider.issuer, state: EVIL })
  const response = await fetch(`${harness.baseUrl}/credentials/callback?${query}`, { redirect: 'manual' })
  expect([response.status, response.headers.get('location')]).toEqual([400, null])
  expect(await response.text()).not.toContain('evil')
})
