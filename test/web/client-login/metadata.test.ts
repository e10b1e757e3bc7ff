import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ClientLoginHarness, registered, startClientLogin } from '../../harness/client-login.ts'

let harness: ClientLoginHarness
beforeAll(async () => {
  harness = await startClientLogin({ clientLogin: { metadataHosts: ['clients.example.com'] } })
})
afterAll(() => harness.close())

test('the metadata of the resource names this server, byte for byte as its own metadata does (RFC 8414 §3.3)', async () => {
  const resource = await (await fetch(`${harness.baseUrl}/.well-known/oauth-protected-resource/mcp`)).json()
  expect(resource).toMatchObject({ authorization_servers: [harness.baseUrl], scopes_supported: ['mcp'] })
  const response = await fetch(`${harness.baseUrl}/.well-known/oauth-authorization-server`)
  expect(response.headers.get('content-type')).toMatch(/^application\/json/)
  expect(await response.json()).toEqual({
    issuer: harness.baseUrl,
    authorization_endpoint: `${harness.baseUrl}/credentials/authorize`,
    token_endpoint: `${harness.baseUrl}/credentials/token`,
    registration_endpoint: `${harness.baseUrl}/credentials/register`,
    scopes_supported: ['mcp', 'offline_access'],
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_methods_supported: ['none'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    client_id_metadata_document_supported: true,
  })
})

test.each([
  ['/.well-known/oauth-authorization-server', 'GET'],
  ['/credentials/token', 'POST'],
  ['/credentials/register', 'POST'],
])('web pages of any origin may ask %s', async (path, method) => {
  const origin = 'https://inspector.example.com'
  const preflight = await fetch(harness.baseUrl + path, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': method,
      'access-control-request-headers': 'content-type,mcp-protocol-version',
    },
  })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
  expect(preflight.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('mcp-protocol-version')
  const answer = await fetch(harness.baseUrl + path, { method, headers: { origin } })
  expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
  expect(answer.headers.getSetCookie()).toEqual([])
})

test('no page of another origin can read the consent page', async () => {
  const response = await fetch(`${harness.baseUrl}/credentials/authorize?client_id=${await registered(harness)}`)
  expect(response.headers.get('access-control-allow-origin')).toBeNull()
})

test('all paths are among those that need no token', () => {
  const paths = [
    '/.well-known/oauth-authorization-server',
    '/credentials/authorize',
    '/credentials/token',
    '/credentials/register',
  ]
  expect(harness.vault.openPaths).toEqual(expect.arrayContaining(paths))
})

test.each(['GET', 'PUT', 'DELETE'])('%s on the token endpoint', async (method) => {
  const response = await fetch(`${harness.baseUrl}/credentials/token`, { method })
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
})

test('without the option nothing of it is there, and clients are sent to the issuer', async () => {
  const off = await startClientLogin({ withoutClientLogin: true })
  for (const path of ['/.well-known/oauth-authorization-server', '/credentials/authorize', '/credentials/token']) {
    expect((await fetch(off.baseUrl + path)).status, path).toBe(404)
  }
  const body = JSON.stringify({ redirect_uris: ['http://127.0.0.1/callback'] })
  const headers = { 'content-type': 'application/json' }
  const register = await fetch(`${off.baseUrl}/credentials/register`, { method: 'POST', headers, body })
  expect(register.status).toBe(404)
  const resource = await (await fetch(`${off.baseUrl}/.well-known/oauth-protected-resource/mcp`)).json()
  expect(resource).toMatchObject({ authorization_servers: [off.provider.issuer] })
  expect(off.vault.openPaths.filter((path) => /authorize|token|register|authorization-server/.test(path))).toEqual([])
  await off.close()
})
