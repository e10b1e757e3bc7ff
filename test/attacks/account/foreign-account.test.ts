import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AccountServer, rowOf, startAccountServer } from '../../harness/browser/account-server.ts'
import { GOOD_VALUES } from '../../harness/browser/form-server.ts'
import { type Visitor, visitorOf } from '../../harness/browser/visitor.ts'

let server: AccountServer
let alice: Visitor

beforeAll(async () => {
  server = await startAccountServer({
    otherProviders: [{ name: 'jira@work', label: 'Jira (work)' }],
    options: { rateLimits: { submitsPerMinute: 1_000 } },
  })
  alice = visitorOf(server)
  await alice.signInToAccount('alice')
  for (const name of ['jira', 'jira@work']) await server.save('alice', name)
})
afterAll(() => server.close())

test('a button of one account changes that account alone', async () => {
  await alice.press('/credentials/jira@work/revoke', '/credentials/jira@work/revoke')
  const list = (await alice.get('/credentials')).text
  expect(rowOf(list, 'Jira (work)')).toContain('Revoked')
  expect(rowOf(list, 'Jira')).toContain('Connected')
  expect(await server.stored('alice')).toEqual(GOOD_VALUES)
})

test("a link's form cannot be moved to another account of its owner", async () => {
  const link = await server.ask('alice')
  await alice.signIn('alice', link)
  expect((await alice.get(link.entry)).status).toBe(200)
  const moved = link.entry.replace('/jira/', '/jira@work/')
  expect(moved).not.toBe(link.entry)
  expect((await alice.get(moved)).status).toBe(403)
})

test.each(['jira@', 'jira@@work', 'jira@work@x', 'jira@../x', 'jira%2540work', '@work'])(
  'the name %s leads nowhere',
  async (name) => {
    const answer = await alice.get(`/credentials/${encodeURIComponent(name)}/revoke`)
    expect(answer.status).toBe(404)
  },
)
