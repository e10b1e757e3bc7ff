import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import type { Identity } from '../../../src/core/ports/identity.ts'
import { type FormServer, type Link, startFormServer } from '../../harness/browser/form-server.ts'
import { headingOf, type Visitor, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer
let link: Link
const minutes = (count: number) => count * 60_000

beforeAll(async () => {
  server = await startFormServer({
    options: { sessionIdleSeconds: 900, sessionMaxSeconds: 3600 },
    linkTtlSeconds: 86_400,
  })
  link = await server.ask('alice')
})
afterAll(() => server.close())
afterEach(() => vi.useRealTimers())

async function signedIn(): Promise<{ alice: Visitor; at: (time: number) => void; start: number }> {
  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  const start = Date.now()
  return { alice, start, at: (time) => vi.useFakeTimers({ now: start + time, toFake: ['Date'] }) }
}

const heading = async (visitor: Visitor) => headingOf((await visitor.get(link.entry)).text)

test('a session ends when it is idle, and its cookie is renewed once a minute while it is used', async () => {
  const { alice, at } = await signedIn()
  at(30_000)
  expect((await alice.get(link.entry)).headers['set-cookie']).toBeUndefined()
  at(minutes(14))
  expect((await alice.get(link.entry)).headers['set-cookie']).toHaveLength(1)
  at(minutes(28))
  expect(await heading(alice)).toBe('Connect Jira')
  at(minutes(28) + minutes(15))
  expect(await heading(alice)).toBe('Sign in to continue')
})

test('a session ends an hour after the login however busy it is', async () => {
  const { alice, at } = await signedIn()
  for (let minute = 10; minute < 60; minute += 10) {
    at(minutes(minute))
    expect(await heading(alice)).toBe('Connect Jira')
  }
  at(minutes(60) + 1000)
  expect(await heading(alice)).toBe('Sign in to continue')
  expect((await alice.post(link.submit, { pat: 'x' })).status).toBe(401)
})

test('a login has to be finished within ten minutes', async () => {
  const alice = visitorOf(server)
  const callback = await alice.signInUpToCallback('alice', link)
  vi.useFakeTimers({ now: Date.now() + minutes(10), toFake: ['Date'] })
  const late = await alice.get(callback)
  expect(late.status).toBe(400)
  expect(headingOf(late.text)).toBe('This sign-in cannot be finished here')
})

test('three logins may be open in a browser; a fourth takes the place of the oldest', async () => {
  const alice = visitorOf(server)
  const callbacks: string[] = []
  for (let index = 0; index < 4; index += 1) callbacks.push(await alice.signInUpToCallback('alice', link))
  expect(alice.cookies.size).toBe(3)
  const statuses = []
  for (const callback of callbacks) statuses.push((await alice.get(callback)).status)
  expect(statuses).toEqual([400, 303, 303, 303])
})

test('the longest identity fits into a cookie that browsers keep', async () => {
  const user = {
    issuer: `https://${'"é世'.repeat(82)}.`.padEnd(255, '世').slice(0, 255),
    subject: '"世'.repeat(127),
    displayName: '世'.repeat(500),
  }
  const identity: Identity = {
    verifyToken: () => Promise.reject(new CredentialVaultError('token_invalid', 'unused')),
    browserLogin: {
      mode: 'oidc',
      hasLogin: true,
      displayName: 'x',
      begin: async () => ({ kind: 'signed-in', user }),
      complete: () => Promise.reject(new Error('unused')),
    },
  }
  const other = await startFormServer({
    identity: () => identity,
    provider: { verify: async () => ({ ok: true, accountName: '世'.repeat(500) }) },
    save: async () => {},
  })
  try {
    const request = await other.pendingRequests.openOrReuse({ provider: 'jira', user, cause: 'absent' })
    const path = (page: string) => `/credentials/jira/${page}?t=${request.handle}`
    const own = { request, entry: path('entry'), submit: path('submit'), cancel: path('cancel'), done: path('done') }
    const visitor = visitorOf(other)
    await visitor.post('/credentials/login', { provider: 'jira', t: request.handle })
    expect(headingOf((await visitor.get(own.entry)).text)).toBe('Connect Jira')
    expect((await visitor.submit(own, { site: 'https://a.atlassian.net', pat: 'x' })).status).toBe(303)
    for (const [name, value] of visitor.cookies) expect(name.length + value.length).toBeLessThanOrEqual(4096)
    expect((await visitor.get(own.done)).text).toContain('世'.repeat(100))
  } finally {
    await other.close()
  }
})
