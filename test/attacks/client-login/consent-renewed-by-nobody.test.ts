import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type FormServer, startFormServer } from '../../harness/browser/form-server.ts'
import { type Visitor, visitorOf } from '../../harness/browser/visitor.ts'
import { pkce } from '../../harness/client-login.ts'

// A browser remembers a consent for 30 days. No one is asked again as long as any page sends the browser to /authorize now and then.
const HTTPS = 'https://app.example.com/callback'
const LOCAL = 'https://localhost:8443/callback'
const DAY = 86_400_000
let server: FormServer
beforeAll(async () => {
  server = await startFormServer({
    serverBaseUrl: 'https://vault.example.com',
    oidc: {
      scopes: ['mcp'],
      clientLogin: {
        redirectUris: [HTTPS, LOCAL],
        rememberConsentDays: 30,
        scopes: { mcp: 'mcp', admin: 'admin' },
      },
    },
  })
})
afterAll(() => server.close())
afterEach(() => vi.restoreAllMocks())

async function register(): Promise<string> {
  const { text } = await server.send({
    method: 'POST',
    path: '/credentials/register',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: [HTTPS, LOCAL] }),
  })
  return JSON.parse(text).client_id
}

/** Opens the page and agrees if it asks. */
async function agree(visitor: Visitor, clientId: string, changes: Record<string, string> = {}) {
  const query = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: HTTPS,
    code_challenge: pkce().challenge,
    code_challenge_method: 'S256',
    ...changes,
  }
  const { text } = await visitor.get(`/credentials/authorize?${new URLSearchParams(query)}`)
  const fields = [...text.matchAll(/name="([^"]+)" value="([^"]*)"/g)].slice(0, 3)
  if (fields.length === 0) return { asked: false, page: text }
  const values = Object.fromEntries(fields.map(([, name = '', value = '']) => [name, value]))
  await visitor.post('/credentials/authorize', values)
  return { asked: true, page: text }
}

test('a consent of day 0 has lapsed on day 58, though a page used it on day 29', async () => {
  const visitor = visitorOf(server)
  const clientId = await register()
  const now = Date.now()
  expect((await agree(visitor, clientId)).asked).toBe(true)
  vi.spyOn(Date, 'now').mockReturnValue(now + 29 * DAY)
  expect((await agree(visitor, clientId)).asked).toBe(false)
  vi.spyOn(Date, 'now').mockReturnValue(now + 58 * DAY)
  expect((await agree(visitor, clientId)).asked).toBe(true)
})

test('a consent to one scope is none to another', async () => {
  const visitor = visitorOf(server)
  const clientId = await register()
  expect((await agree(visitor, clientId, { scope: 'mcp' })).asked).toBe(true)
  expect((await agree(visitor, clientId, { scope: 'mcp admin' })).asked).toBe(true)
})

test('https on loopback: any program on this computer could be asking, so it is said, and never remembered', async () => {
  const visitor = visitorOf(server)
  const clientId = await register()
  const { page } = await agree(visitor, clientId, { redirect_uri: LOCAL })
  expect.soft(page).toContain('program on this computer')
  expect((await agree(visitor, clientId, { redirect_uri: LOCAL })).asked).toBe(true)
})

test('a client that asks for the consent page gets it (OpenID Connect Core 1.0 §3.1.2.1)', async () => {
  const visitor = visitorOf(server)
  const clientId = await register()
  expect((await agree(visitor, clientId)).asked).toBe(true)
  expect((await agree(visitor, clientId, { prompt: 'consent' })).asked).toBe(true)
})
