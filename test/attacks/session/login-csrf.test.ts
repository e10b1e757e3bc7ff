import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, startFormServer } from '../../harness/browser/form-server.ts'
import { headingOf, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer

beforeAll(async () => {
  server = await startFormServer()
})
afterAll(() => server.close())

const hasSession = (cookies: ReadonlyMap<string, string>) =>
  [...cookies.keys()].some((name) => name.endsWith('-session'))

test('a callback that an attacker prepared does not sign the victim in as the attacker', async () => {
  const link = await server.ask('bob')
  const bob = visitorOf(server)
  const callback = await bob.signInUpToCallback('bob', link)

  const alice = visitorOf(server)
  const refused = await alice.get(callback)
  expect(refused.status).toBe(400)
  expect(headingOf(refused.text)).toBe('This sign-in cannot be finished here')
  expect(hasSession(alice.cookies)).toBe(false)

  // Not even while a login of the victim's own is open.
  await alice.signInUpToCallback('alice', await server.ask('alice'))
  expect((await alice.get(callback)).status).toBe(400)
  expect(hasSession(alice.cookies)).toBe(false)
})

test('two tabs whose answers are swapped both fail', async () => {
  const link = await server.ask('alice')
  const visitor = visitorOf(server)
  const first = new URLSearchParams((await visitor.signInUpToCallback('alice', link)).split('?')[1])
  const second = new URLSearchParams((await visitor.signInUpToCallback('alice', link)).split('?')[1])
  const swapped = (a: URLSearchParams, b: URLSearchParams) => {
    const query = new URLSearchParams(a)
    query.set('state', b.get('state') ?? '')
    return `/credentials/callback?${query}`
  }
  expect((await visitor.get(swapped(first, second))).status).toBe(400)
  expect((await visitor.get(swapped(second, first))).status).toBe(400)
  expect(hasSession(visitor.cookies)).toBe(false)
})

test('a callback works once, even for somebody who kept the login cookie', async () => {
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  const callback = await alice.signInUpToCallback('alice', link)
  const copy = visitorOf(server)
  for (const [name, value] of alice.cookies) copy.cookies.set(name, value)
  expect((await alice.get(callback)).status).toBe(303)
  expect((await alice.get(callback)).status).toBe(400)
  const tokenRequests = server.provider?.requestsFor('/token')
  expect((await copy.get(callback)).status).toBe(400)
  expect(hasSession(copy.cookies)).toBe(false)
  expect(server.provider?.requestsFor('/token')).toBe(tokenRequests)
})

test('a login is begun by our own page only', async () => {
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  const fields = { provider: 'jira', t: link.request.handle }
  expect((await alice.post('/credentials/login', fields, { origin: 'https://evil.example.com' })).status).toBe(403)
  expect((await alice.get(`/credentials/login?${new URLSearchParams(fields)}`)).status).toBe(405)
  expect(alice.cookies.size).toBe(0)
})
