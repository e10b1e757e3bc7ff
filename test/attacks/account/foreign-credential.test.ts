import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type AccountServer, rowOf, startAccountServer } from '../../harness/browser/account-server.ts'
import { GOOD_VALUES } from '../../harness/browser/form-server.ts'
import { accountToken, type Visitor, visitorOf } from '../../harness/browser/visitor.ts'

const ACTIONS = ['test', 'connect', 'reinstate', 'revoke'] as const

let server: AccountServer
let alice: Visitor
let mallory: Visitor
const calls: string[] = []

beforeAll(async () => {
  server = await startAccountServer({
    provider: {
      verify: async () => {
        calls.push('verify')
        return { ok: false, problem: 'no' }
      },
    },
    options: { rateLimits: { submitsPerMinute: 1_000 } },
  })
  alice = visitorOf(server)
  mallory = visitorOf(server)
  await alice.signInToAccount('alice')
  await mallory.signInToAccount('bob')
})
afterAll(() => server.close())
beforeEach(async () => {
  await server.save('alice', 'jira', { accountName: 'alice-at-jira' })
  calls.length = 0
})

async function expectUntouched(): Promise<void> {
  expect(await server.stored('alice')).toEqual(GOOD_VALUES)
  expect(calls).toEqual([])
  const row = rowOf((await alice.get('/credentials')).text, 'Jira')
  expect(row).toMatch(/^Jira Connected Account at Jira alice-at-jira/)
}

/** Ways to name somebody else in a request. */
function requestsAbout(
  owner: string,
): readonly { readonly query: string; readonly fields: Readonly<Record<string, string>> }[] {
  const named = { owner, user: owner, sub: owner, subject: owner, issuer: server.issuer }
  return [
    { query: '', fields: {} },
    { query: `?${new URLSearchParams(named)}`, fields: {} },
    { query: '', fields: named },
  ]
}

test("no row of the list, and no word of it, is another person's", async () => {
  for (const { query } of requestsAbout('alice')) {
    const { text } = await mallory.get(`/credentials${query}`)
    expect(rowOf(text, 'Jira')).toBe('Jira Not connected Connect Jira')
    expect(text).not.toContain('alice')
    const confirm = await mallory.get(`/credentials/jira/revoke${query}`)
    expect(confirm.text).not.toContain('alice')
  }
})

test("no button acts on another person's credential, however the request names them", async () => {
  // The buttons of a credential of their own, so that every token is a real one.
  await server.save('bob')
  await server.reject('bob', 'jira')
  const list = (await mallory.get('/credentials')).text
  const confirm = (await mallory.get('/credentials/jira/revoke')).text
  await server.save('bob')
  const active = (await mallory.get('/credentials')).text
  const pages = { test: active, connect: list, reinstate: list, revoke: confirm }
  for (const action of ACTIONS) {
    const path = `/credentials/jira/${action}`
    const token = accountToken(pages[action], path)
    expect(token, action).toHaveLength(43)
    for (const { query, fields } of requestsAbout('alice')) {
      const before = calls.length
      const { text, headers } = await mallory.post(path + query, { 'csrf-token': token, ...fields })
      expect(text, action).not.toContain('alice')
      if (headers.location) expect((await alice.get(pathOf(headers.location))).status, action).toBe(403)
      calls.length = before
    }
  }
  await server.credentials.revoke(server.keyOf('bob'), { purge: false }, { correlationId: 'test' })
  await expectUntouched()
})

test("no button's token works in another person's session", async () => {
  await server.reject('alice')
  const list = (await alice.get('/credentials')).text
  const confirm = (await alice.get('/credentials/jira/revoke')).text
  await server.save('alice', 'jira', { accountName: 'alice-at-jira' })
  const active = (await alice.get('/credentials')).text
  const pages = { test: active, connect: list, reinstate: list, revoke: confirm }
  for (const action of ACTIONS) {
    const path = `/credentials/jira/${action}`
    const token = accountToken(pages[action], path)
    expect(token, action).toHaveLength(43)
    expect((await mallory.post(path, { 'csrf-token': token })).status, action).toBe(403)
    expect((await mallory.get('/credentials')).status).toBe(200)
  }
  await expectUntouched()
})

test('a mark of a rejection is undone by its owner alone', async () => {
  await server.reject('alice')
  await server.save('bob')
  await server.reject('bob')
  expect((await mallory.press('/credentials/jira/reinstate')).text).toContain('is in use again')
  expect(rowOf((await alice.get('/credentials')).text, 'Jira')).toMatch(/^Jira Rejected by Jira/)
  const lines = server.audit.events.filter(({ type }) => type === 'credential.reinstated')
  expect([...new Set(lines.map(({ owner }) => owner?.subject))]).toEqual(['bob'])
})

test.each(['nothing', '__proto__', 'constructor', 'JIRA', '..', '%2e%2e', 'jira%00', 'jira%2Frevoke', 'a'.repeat(41)])(
  'a service that is not served cannot be named: %s',
  async (name) => {
    const { text } = await alice.get('/credentials')
    const token = accountToken(text, '/credentials/jira/connect')
    for (const action of ACTIONS) {
      const { status } = await alice.post(`/credentials/${name}/${action}`, { 'csrf-token': token })
      expect([400, 404], `${action} ${status}`).toContain(status)
    }
    const confirm = await alice.get(`/credentials/${name}/revoke`)
    expect([400, 404]).toContain(confirm.status)
    await expectUntouched()
  },
)

function pathOf(location: string): string {
  const { pathname, search } = new URL(location)
  return pathname + search
}
