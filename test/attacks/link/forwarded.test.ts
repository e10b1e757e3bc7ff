import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, GOOD_VALUES, startFormServer } from '../../harness/browser/form-server.ts'
import { csrfOf, headingOf, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer

beforeAll(async () => {
  server = await startFormServer()
})
afterAll(() => server.close())

test('Bob opens and submits a link that Alice sent him: he is refused, nothing is stored, and the link stays good for Alice', async () => {
  const link = await server.ask('alice')
  const own = await server.ask('bob')
  const bob = visitorOf(server)
  await bob.signIn('bob', link)

  const opened = await bob.get(link.entry)
  expect(opened.status).toBe(403)
  expect(headingOf(opened.text)).toBe('This link does not work for this account')
  expect(opened.text).toContain('bob at ')
  expect(opened.text).toContain('If somebody else sent you this link, close this page.')
  expect(opened.text.toLowerCase()).not.toContain('alice')
  expect(opened.text).not.toContain('Jira')

  const token = csrfOf((await bob.get(own.entry)).text, own)
  for (const path of [link.submit, link.cancel]) {
    const sent = await bob.post(path, { 'csrf-token': token, ...GOOD_VALUES })
    expect(sent.status).toBe(403)
    expect(sent.text).toBe(opened.text)
  }
  expect((await bob.get(link.done)).text).toBe(opened.text)
  expect(await server.stored('alice')).toBe('absent')
  expect(await server.stored('bob')).toBe('absent')

  const mismatches = server.audit.events.filter(({ type }) => type === 'form.identity_mismatch')
  expect(mismatches).toHaveLength(4)
  expect(mismatches[0]).toMatchObject({
    outcome: 'denied',
    owner: { issuer: server.issuer, subject: 'alice' },
    actor: { kind: 'user', owner: { issuer: server.issuer, subject: 'bob' } },
    provider: 'jira',
    request: server.pendingRequests.label(link.request),
  })

  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  expect((await alice.submit(link, GOOD_VALUES)).status).toBe(303)
  expect(await server.stored('alice')).toEqual(GOOD_VALUES)
  expect(await server.stored('bob')).toBe('absent')
})

test("the other way round, a victim who is sent the attacker's own link stores nothing under the attacker", async () => {
  const trap = await server.ask('bob')
  const alice = visitorOf(server)
  await alice.signIn('alice', trap)
  expect((await alice.get(trap.entry)).status).toBe(403)
  expect((await alice.submit(trap, GOOD_VALUES)).status).toBe(403)
  expect(await server.stored('bob')).toBe('absent')
})
