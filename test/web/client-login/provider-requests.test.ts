import type { IncomingMessage } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import {
  authorizationUrl,
  type ClientLoginHarness,
  type ClientLoginHarnessOptions,
  clientBrowser,
  loggedIn,
  registered,
  requestTokens,
  startClientLogin,
} from '../../harness/client-login.ts'

/** What the identity provider is asked, seen from its side. */
async function watched(options: ClientLoginHarnessOptions['clientLogin'] = {}) {
  const asked: URLSearchParams[] = []
  const harness = await startClientLogin({
    clientLogin: { authorizationParameters: { prompt: 'consent' }, ...options },
    intercept(request: IncomingMessage) {
      const url = new URL(request.url ?? '/', 'http://unused')
      if (url.pathname === '/auth') asked.push(url.searchParams)
      return false
    },
  })
  onTestFinished(() => harness.close())
  return { harness, asked }
}

async function leave(harness: ClientLoginHarness, parameters: Record<string, string> = {}): Promise<void> {
  const browser = clientBrowser()
  const url = authorizationUrl(harness, { client_id: await registered(harness), ...parameters })
  await browser.follow(await browser.press(await browser.open(url), 'Continue'), 'Continue')
}

test('our client, our callback, our state; the challenge of the client, and no resource', async () => {
  const { harness, asked } = await watched()
  await leave(harness, {
    code_challenge: 'c'.repeat(43),
    resource: `${harness.baseUrl}/mcp`,
    nonce: 'n',
    display: 'page',
  })
  expect(Object.fromEntries(asked[0] ?? [])).toEqual({
    response_type: 'code',
    client_id: 'mcp-server',
    redirect_uri: `${harness.baseUrl}/credentials/callback`,
    state: expect.stringMatching(/^[\w-]{200,}$/),
    code_challenge: 'c'.repeat(43),
    code_challenge_method: 'S256',
    scope: 'mcp offline_access',
    prompt: 'consent',
  })
})

test('scopes are translated, unknown ones are dropped, and the answer has the names of clients', async () => {
  const { harness, asked } = await watched({ scopes: { mcp: 'mcp offline_access', profile: 'profile openid' } })
  await leave(harness, { scope: 'mcp admin openid' })
  await leave(harness, { scope: '' })
  await leave(harness, { scope: 'profile mcp' })
  expect(asked.map((query) => query.get('scope'))).toEqual([
    'mcp offline_access',
    'mcp offline_access',
    'profile openid mcp offline_access',
  ])
})

test('only what the person may decide is taken from prompt', async () => {
  const { harness, asked } = await watched({ authorizationParameters: {} })
  await leave(harness, { prompt: 'login consent select_account' })
  expect(asked[0]?.get('prompt')).toBe('login select_account')
})

test('resource: pass sends ours, whatever the client spells', async () => {
  const { harness, asked } = await watched({ resource: 'pass' })
  await leave(harness, { resource: `${harness.baseUrl}/mcp/` }).catch(() => undefined)
  expect(asked[0]?.get('resource')).toBe(`${harness.baseUrl}/mcp`)
})

test('a client of its own for the logins of clients, with its own secret', async () => {
  const { harness, asked } = await watched({ clientId: 'another-client', clientSecret: 'another-secret' })
  const browser = clientBrowser()
  const url = authorizationUrl(harness, { client_id: await registered(harness) })
  await browser.follow(await browser.press(await browser.open(url), 'Continue'), 'Continue')
  expect(asked[0]?.get('client_id')).toBe('another-client')
})

test('a refresh token that the provider does not rotate is sealed anew each time', async () => {
  const { harness } = await watched()
  const { grant, clientId } = await loggedIn(harness)
  const { body } = await requestTokens(harness, grant)
  const refresh = { grant_type: 'refresh_token', client_id: clientId, refresh_token: String(body['refresh_token']) }
  const next = await requestTokens(harness, refresh)
  expect(next.body['refresh_token']).toEqual(expect.any(String))
  expect(next.body['refresh_token']).not.toBe(refresh.refresh_token)
})

test('the log names the registration, the claimed name and place, and in the end the owner', async () => {
  const { harness } = await watched()
  const { grant } = await loggedIn(harness)
  await requestTokens(harness, grant)
  const lines = harness.audit.events.filter(({ type }) => type.startsWith('client.'))
  const clientId = expect.stringMatching(/^registered-[\w-]{12}$/)
  expect(lines).toMatchObject([
    { type: 'client.approved', outcome: 'success', clientId, clientName: 'A client', destination: '127.0.0.1:8097' },
    { type: 'client.token_requested', outcome: 'success', clientId },
    { type: 'client.token_issued', clientId, owner: { issuer: harness.provider.issuer, subject: 'alice' } },
  ])
  expect(new Set(lines.map((line) => line.clientId)).size).toBe(1)
  expect(JSON.stringify(lines)).not.toContain(grant['code'])
})
