import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type AccountServer, startAccountServer } from '../../harness/browser/account-server.ts'
import { GOOD_VALUES } from '../../harness/browser/form-server.ts'
import { accountToken, type Visitor, visitorOf } from '../../harness/browser/visitor.ts'

let server: AccountServer
let alice: Visitor
let verified = 0

beforeAll(async () => {
  server = await startAccountServer({
    provider: {
      verify: async () => {
        verified += 1
        return { ok: true }
      },
    },
    options: { rateLimits: { submitsPerMinute: 1_000 } },
  })
  alice = visitorOf(server)
  await alice.signInToAccount('alice')
  await server.save('alice')
  await server.save('alice', 'gitlab')
  await server.reject('alice', 'gitlab')
})
afterAll(() => server.close())
beforeEach(() => {
  verified = 0
})

const BUTTONS = {
  '/credentials/jira/test': '/credentials',
  '/credentials/jira/connect': '/credentials',
  '/credentials/gitlab/reinstate': '/credentials',
  '/credentials/jira/revoke': '/credentials/jira/revoke',
  '/credentials/sign-out-everywhere': '/credentials',
} as const

/** The token of each button, from this visitor's own pages. */
async function tokensOf(visitor: Visitor): Promise<ReadonlyMap<string, string>> {
  const tokens = new Map<string, string>()
  for (const [action, page] of Object.entries(BUTTONS)) {
    const token = accountToken((await visitor.get(page)).text, action)
    expect(token, action).toHaveLength(43)
    tokens.set(action, token)
  }
  return tokens
}

async function expectNothingDone(): Promise<void> {
  expect(verified).toBe(0)
  expect(await server.stored('alice')).toEqual(GOOD_VALUES)
  const { owned } = server.credentials
  expect(await owned.status(server.keyOf('alice', 'gitlab'), { correlationId: 'test' })).toMatchObject({
    labels: { rejectedAt: expect.any(Date) },
  })
  expect((await alice.get('/credentials')).text).toContain('Your credentials')
  const done = ['credential.requested', 'credential.revoked', 'credential.reinstated', 'login.ended']
  expect(server.audit.events.filter(({ type }) => done.includes(type))).toEqual([])
}

test.each([
  ['a foreign origin', { origin: 'https://evil.example.com' }],
  ['a sibling of the same host', { origin: 'http://app.localhost' }],
  ['the same host on another port', { origin: 'http://localhost:1' }],
  ['null of a sandboxed or foreign page', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
  ['null of an old browser', { origin: 'null', 'sec-fetch-site': null }],
  ['no origin', { origin: null }],
  ['cross-site', { 'sec-fetch-site': 'cross-site' }],
  ['same-site', { 'sec-fetch-site': 'same-site' }],
])('no button works from %s, even with the right token', async (_name, headers) => {
  for (const [action, token] of await tokensOf(alice)) {
    const { status, headers: answered } = await alice.post(action, { 'csrf-token': token }, headers)
    expect(status, action).toBe(403)
    expect(answered['set-cookie'], action).toBeUndefined()
  }
  await expectNothingDone()
})

test("no button works without its own token of this session: not with another button's, service's or session's", async () => {
  const own = await tokensOf(alice)
  const phone = visitorOf(server)
  await phone.signInToAccount('alice')
  const elsewhere = await tokensOf(phone)
  const signOut = accountToken((await alice.get('/credentials')).text, '/credentials/sign-out')
  const otherService = accountToken((await alice.get('/credentials')).text, '/credentials/gitlab/connect')
  for (const [action, token] of own) {
    const others = [...own].filter(([other]) => other !== action).map(([, other]) => other)
    for (const wrong of [
      undefined,
      '',
      `${token}x`,
      token.toLowerCase(),
      elsewhere.get(action),
      signOut,
      otherService,
      ...others,
    ]) {
      const { status } = await alice.post(action, wrong === undefined ? {} : { 'csrf-token': wrong })
      expect(status, action).toBe(403)
    }
  }
  await expectNothingDone()
  const refused = server.audit.events.filter(({ type, reason }) => type === 'form.rejected' && reason === 'csrf')
  expect(refused.length).toBe(5 * 11)
  expect(refused[0]).toMatchObject({ owner: { subject: 'alice' }, provider: 'jira' })
})

test('no button takes another field, another type of body, or a query in place of a body', async () => {
  for (const [action, token] of await tokensOf(alice)) {
    expect((await alice.post(action, { 'csrf-token': token, pat: 'x' })).status, action).toBe(400)
    const json = { 'content-type': 'application/json' }
    expect((await alice.post(action, JSON.stringify({ 'csrf-token': token }), json)).status, action).toBe(415)
    expect((await alice.post(`${action}?csrf-token=${token}`, {})).status, action).toBe(403)
    expect((await alice.post(action, `csrf-token=${token}&csrf-token=${token}`)).status, action).toBe(400)
  }
  await expectNothingDone()
})

test('a GET of a button, as an image or a link of another site would send it, does nothing', async () => {
  for (const action of Object.keys(BUTTONS)) {
    const { status } = await alice.get(action)
    expect(status, action).toBe(action.endsWith('/revoke') ? 200 : 405)
    expect((await alice.get(action, { 'sec-fetch-dest': 'image', 'sec-fetch-site': 'cross-site' })).status).not.toBe(
      200,
    )
  }
  await expectNothingDone()
})
