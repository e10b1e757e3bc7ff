import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, startFormServer } from '../../harness/browser/form-server.ts'
import { type Visitor, visitorOf } from '../../harness/browser/visitor.ts'
import { pkce } from '../../harness/client-login.ts'

// A consent that a browser remembers is for one client at one https place. On loopback any program could be the one that asks.
const HTTPS = 'https://app.example.com/callback'
const OTHER = 'https://app.example.com/other'
const SCHEME = 'cursor://anysphere.cursor-mcp/oauth/callback'
const LOOPBACK = 'http://127.0.0.1:8097/callback'
const ALL = [HTTPS, OTHER, SCHEME, LOOPBACK]
let server: FormServer
beforeAll(async () => {
  server = await startServer(30)
})
afterAll(() => server.close())

function startServer(rememberConsentDays: number): Promise<FormServer> {
  const clientLogin = { redirectUris: [HTTPS, OTHER, SCHEME], rememberConsentDays }
  return startFormServer({ serverBaseUrl: 'https://vault.example.com', oidc: { scopes: ['mcp'], clientLogin } })
}

async function register(at = server): Promise<string> {
  const { text } = await at.send({
    method: 'POST',
    path: '/credentials/register',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: ALL }),
  })
  return JSON.parse(text).client_id
}

function authorizePath(clientId: string, redirectUri: string): string {
  const query = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: pkce().challenge,
    code_challenge_method: 'S256',
  }
  return `/credentials/authorize?${new URLSearchParams(query)}`
}

/** Opens the page and agrees if it asks. Resolves to whether it asked. */
async function agree(visitor: Visitor, clientId: string, redirectUri: string): Promise<boolean> {
  const { text } = await visitor.get(authorizePath(clientId, redirectUri))
  const fields = [...text.matchAll(/name="([^"]+)" value="([^"]*)"/g)].slice(0, 3)
  if (fields.length === 0) {
    expect(text).toContain('Going to')
    return false
  }
  const values = Object.fromEntries(fields.map(([, name = '', value = '']) => [name, value]))
  expect((await visitor.post('/credentials/authorize', values)).text).toContain('Going to')
  return true
}

test('https: asked once; another place, another registration, another browser: asked', async () => {
  const [clientId, other] = [await register(), await register()]
  const visitor = visitorOf(server)
  expect(await agree(visitor, clientId, HTTPS)).toBe(true)
  expect(await agree(visitor, clientId, HTTPS)).toBe(false)
  const reasons = server.audit.events.filter(({ type }) => type === 'client.approved').map(({ reason }) => reason)
  expect(reasons.slice(-2)).toEqual([undefined, 'client_remembered'])
  expect(await agree(visitor, clientId, OTHER)).toBe(true)
  expect(await agree(visitor, other, HTTPS)).toBe(true)
  expect(await agree(visitorOf(server), clientId, HTTPS)).toBe(true)
})

test.each([LOOPBACK, SCHEME])('%s: asked each time, and no cookie is kept', async (redirectUri) => {
  const clientId = await register()
  const visitor = visitorOf(server)
  expect(await agree(visitor, clientId, redirectUri)).toBe(true)
  expect([...visitor.cookies.keys()].filter((name) => name.includes('consent'))).toEqual([])
  expect(await agree(visitor, clientId, redirectUri)).toBe(true)
})

test('the cookie is sealed, locked to the host, and worthless under another name', async () => {
  const [clientId, other] = [await register(), await register()]
  const visitor = visitorOf(server)
  await agree(visitor, clientId, HTTPS)
  const [name = '', value = ''] = [...visitor.cookies].find(([one]) => one.includes('-client-consent-')) ?? []
  expect(name).toMatch(/^__Host-credentials-/)
  expect(value).toMatch(/^[\w-]+$/)
  await agree(visitor, other, HTTPS)
  const names = [...visitor.cookies.keys()].filter((one) => one.includes('-client-consent-'))
  expect(names).toHaveLength(2)
  for (const one of names) visitor.cookies.set(one, value)
  expect(await agree(visitor, other, HTTPS)).toBe(true)
  for (const one of names) visitor.cookies.set(one, `${value.slice(0, -1)}${value.endsWith('A') ? 'B' : 'A'}`)
  expect(await agree(visitor, clientId, HTTPS)).toBe(true)
})

test('a remembered consent is not heeded where the operator wants to be asked each time', async () => {
  const strict = await startServer(0)
  const clientId = await register(strict)
  const visitor = visitorOf(server)
  expect(await agree(visitor, await register(), HTTPS)).toBe(true)
  const moved = visitorOf(strict)
  for (const [name, value] of visitor.cookies) moved.cookies.set(name, value)
  expect(await agree(moved, clientId, HTTPS)).toBe(true)
  expect(await agree(moved, clientId, HTTPS)).toBe(true)
  await strict.close()
})
