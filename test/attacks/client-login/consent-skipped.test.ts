import { afterAll, beforeAll, expect, test } from 'vitest'
import { textOf } from '../../../examples/tickets/http-browser.ts'
import { browserOf } from '../../harness/browser/test-browser.ts'
import {
  authorizationUrl,
  type ClientLoginHarness,
  clientBrowser,
  refusals,
  registered,
  startClientLogin,
  walkLogin,
} from '../../harness/client-login.ts'

// The identity provider knows one client and remembers it. Whoever gets past our page gets a code without a question.
let harness: ClientLoginHarness
beforeAll(async () => {
  harness = await startClientLogin()
})
afterAll(() => harness.close())

const OURS = () => ({ origin: harness.baseUrl, 'sec-fetch-site': 'same-origin' })

async function consentForm(browser = browserOf()): Promise<Record<string, string>> {
  const clientId = await registered(harness)
  const html = await (await browser.fetch(authorizationUrl(harness, { client_id: clientId }))).text()
  const fields = [...html.matchAll(/name="([^"]+)" value="([^"]*)"/g)].slice(0, 3)
  return Object.fromEntries(fields.map(([, name = '', value = '']) => [name, value]))
}

async function post(
  fields: Record<string, string>,
  { browser = browserOf(), headers = OURS() as Record<string, string> } = {},
) {
  const url = `${harness.baseUrl}/credentials/authorize`
  const response = await browser.fetch(url, { method: 'POST', headers, body: new URLSearchParams(fields) })
  return { status: response.status, html: await response.text(), cookies: response.headers.getSetCookie() }
}

test('somebody who is signed in at the identity provider, and has agreed before, is asked again', async () => {
  const browser = clientBrowser()
  const clientId = await registered(harness)
  await walkLogin(authorizationUrl(harness, { client_id: clientId }), browser)
  const again = await browser.open(authorizationUrl(harness, { client_id: clientId }))
  expect(textOf(again.html)).toContain('Connect an application to Ticket Tools?')
  expect(again.html).not.toContain(harness.provider.issuer)
  expect(again.html).not.toContain('http-equiv="refresh"')
})

test.each(['none', 'none login'])('prompt=%s does not skip it', async (prompt) => {
  const clientId = await registered(harness)
  const response = await fetch(authorizationUrl(harness, { client_id: clientId, prompt }), { redirect: 'manual' })
  expect(response.status).toBe(400)
})

test('opening the page begins no login: its cookie alone finishes none', async () => {
  const clientId = await registered(harness)
  const response = await fetch(authorizationUrl(harness, { client_id: clientId }))
  const names = response.headers.getSetCookie().map((line) => line.split('=')[0])
  expect(names).toEqual([expect.stringMatching(/^credentials-[0-9a-f]{8}-client-browser$/)])
})

test('a form that a stranger fetched, sent from the victim', async () => {
  const stolen = await consentForm()
  const victim = browserOf()
  await consentForm(victim)
  const answer = await post(stolen, { browser: victim })
  expect(answer.status).toBe(403)
  expect(answer.html).not.toContain(harness.provider.issuer)
  expect(refusals(harness).at(-1)).toBe('csrf')
})

test.each([
  ['no token', { 'csrf-token': '' }],
  ['a made-up token', { 'csrf-token': 'A'.repeat(43) }],
  ['a made-up request', { request: 'AAAA' }],
])('%s', async (_, changes) => {
  const browser = browserOf()
  const answer = await post({ ...(await consentForm(browser)), ...changes }, { browser })
  expect(answer.status).toBe(403)
  expect(refusals(harness).at(-1)).toBe('csrf')
})

test("another client's request under the token of this one", async () => {
  const browser = browserOf()
  const [one, other] = [await consentForm(browser), await consentForm(browser)]
  const answer = await post({ ...one, request: other['request'] ?? '' }, { browser })
  expect(answer.status).toBe(403)
})

test.each([
  [{ origin: 'https://evil.example.com', 'sec-fetch-site': 'cross-site' }],
  [{ origin: 'null', 'sec-fetch-site': 'cross-site' }],
  [{}],
])('a POST that our own page did not send: %j', async (headers) => {
  const browser = browserOf()
  const answer = await post(await consentForm(browser), { browser, headers })
  expect(answer.status).toBe(403)
  expect(answer.cookies).toEqual([])
})

test('a field that is not ours, or no answer', async () => {
  const browser = browserOf()
  const form = await consentForm(browser)
  for (const changes of [{ redirect_uri: 'https://evil.example.com' }, { answer: 'yes' }]) {
    expect((await post({ ...form, ...changes }, { browser })).status).toBe(400)
  }
})

test('who refuses is taken at their word: the client is told, and the identity provider is not asked', async () => {
  const browser = clientBrowser()
  const clientId = await registered(harness)
  const asked = harness.provider.requestsFor('/auth')
  const consent = await browser.open(authorizationUrl(harness, { client_id: clientId }))
  const back = await browser.follow(await browser.press(consent, 'Cancel'), 'Return to')
  const answer = new URL(back.url).searchParams
  expect(Object.fromEntries(answer)).toEqual({ error: 'access_denied', state: 'its-state', iss: harness.baseUrl })
  expect(harness.provider.requestsFor('/auth')).toBe(asked)
  expect(refusals(harness).at(-1)).toBe('denied')
})
