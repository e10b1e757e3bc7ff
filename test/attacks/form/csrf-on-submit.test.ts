import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type FormServer, GOOD_VALUES, type Link, startFormServer } from '../../harness/browser/form-server.ts'
import { csrfOf, hiddenField, type Visitor, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer
let alice: Visitor
let link: Link
let token: string

beforeAll(async () => {
  server = await startFormServer()
})
afterAll(() => server.close())

beforeEach(async () => {
  link = await server.ask('alice', { clientId: crypto.randomUUID() })
  if (!alice) {
    alice = visitorOf(server)
    await alice.signIn('alice', link)
  }
  token = csrfOf((await alice.get(link.entry)).text, link)
})

async function expectUnused(): Promise<void> {
  expect(await server.stored('alice')).toBe('absent')
  expect((await server.pendingRequests.find(link.request.handle))?.state).toBe('open')
}

test.each([
  ['a foreign origin', { origin: 'https://evil.example.com' }],
  ['a sibling of the same host', { origin: 'http://app.localhost' }],
  ['the same host on another port', { origin: 'http://localhost:1' }],
  ['the other scheme', { origin: 'https://localhost' }],
  ['null of an old browser', { origin: 'null', 'sec-fetch-site': null }],
  ['null of a sandboxed or foreign page', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
  ['null of a sibling', { origin: 'null', 'sec-fetch-site': 'same-site' }],
  ['null of no page', { origin: 'null', 'sec-fetch-site': 'none' }],
  ['no origin', { origin: null }],
  ['no origin, but same-origin', { origin: null, 'sec-fetch-site': 'same-origin' }],
  ['same-site', { 'sec-fetch-site': 'same-site' }],
  ['cross-site', { 'sec-fetch-site': 'cross-site' }],
  ['none', { 'sec-fetch-site': 'none' }],
])('a submit, cancel, login and sign-out from %s are refused even with the right token', async (_name, headers) => {
  const fields = { 'csrf-token': token, ...GOOD_VALUES }
  for (const path of [link.submit, link.cancel, '/credentials/login', '/credentials/sign-out']) {
    const response = await alice.post(path, fields, headers)
    expect(response.status, path).toBe(403)
    expect(response.headers['set-cookie'], path).toBeUndefined()
  }
  await expectUnused()
})

test("a submit without a token, with a changed one, another link's or another session's is refused", async () => {
  const other = await server.ask('alice', { clientId: 'other' })
  const otherToken = csrfOf((await alice.get(other.entry)).text, other)
  const elsewhere = visitorOf(server)
  await elsewhere.signIn('alice', link)
  const page = (await elsewhere.get(link.entry)).text
  const signOutToken = hiddenField(page, 'csrf-token') ?? ''
  for (const wrong of [undefined, '', `${token}x`, token.toLowerCase(), otherToken, csrfOf(page, link), signOutToken]) {
    const sent = await alice.post(link.submit, {
      ...GOOD_VALUES,
      ...(wrong === undefined ? {} : { 'csrf-token': wrong }),
    })
    expect(sent.status).toBe(403)
    await expectUnused()
  }
  const refused = server.audit.events.filter(({ type, reason }) => type === 'form.rejected' && reason === 'csrf')
  expect(refused).toHaveLength(7)
  expect(refused[0]).toMatchObject({ owner: { subject: 'alice' }, provider: 'jira' })
})

test('a sign-out with a wrong token leaves the session alone', async () => {
  expect((await alice.post('/credentials/sign-out', { 'csrf-token': token })).status).toBe(403)
  expect((await alice.get(link.entry)).status).toBe(200)
})

test('behind a proxy that hides the origin, our own page is known by Sec-Fetch-Site, and its token is asked for', async () => {
  const hidden = { origin: 'null', 'sec-fetch-site': 'same-origin' }
  expect((await alice.post(link.submit, GOOD_VALUES, hidden)).status).toBe(403)
  expect((await alice.post(link.cancel, {}, hidden)).status).toBe(403)
  expect((await alice.post('/credentials/sign-out', {}, hidden)).status).toBe(403)
  await expectUnused()
  expect((await alice.post(link.submit, { 'csrf-token': token, ...GOOD_VALUES }, hidden)).status).toBe(303)
})

test('a refusal because of a hidden origin names the header that a proxy has to leave alone', async () => {
  const refused = await alice.post(link.submit, {}, { origin: 'null', 'sec-fetch-site': null })
  expect(refused.text).toContain('Referrer-Policy: no-referrer')
  expect((await alice.post(link.submit, {}, { origin: 'https://evil.example.com' })).text).not.toContain(
    'Referrer-Policy',
  )
})
