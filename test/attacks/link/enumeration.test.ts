import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type FormServer, GOOD_VALUES, type Link, startFormServer } from '../../harness/browser/form-server.ts'
import { csrfOf, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer
let links: Record<string, Link>

beforeAll(async () => {
  server = await startFormServer({ linkTtlSeconds: 60 })
  const alice = visitorOf(server)
  const ask = (clientId: string) => server.ask('alice', { clientId })
  const expired = await ask('expired')
  vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ['Date'] })
  const saved = await ask('saved')
  await alice.signIn('alice', saved)
  await alice.submit(saved, GOOD_VALUES)
  const cancelled = await ask('cancelled')
  await alice.post(cancelled.cancel, { 'csrf-token': csrfOf((await alice.get(cancelled.entry)).text, cancelled) })
  const claimed = await ask('claimed')
  await server.pendingRequests.claim(claimed.request)
  links = { open: await ask('open'), expired, saved, cancelled, claimed }
})
afterAll(async () => {
  vi.useRealTimers()
  await server.close()
})

/** The page without what it was asked with. */
function withoutHandle(text: string, handle: string): string {
  return text.replaceAll(handle, 'HANDLE')
}

test('a stranger gets the same bytes for links that are open, used, expired, cancelled, being saved, or no links at all', async () => {
  const stranger = visitorOf(server)
  const unknown = randomBytes(32).toString('base64url')
  const expected = withoutHandle((await stranger.get(`/credentials/jira/entry?t=${unknown}`)).text, unknown)
  for (const [state, { entry, request }] of Object.entries(links)) {
    const { status, text } = await stranger.get(entry)
    expect(status, state).toBe(200)
    expect(withoutHandle(text, request.handle), state).toBe(expected)
  }
  const other = await stranger.get(`/credentials/no-such-service/entry?t=${unknown}`)
  expect(withoutHandle(other.text, unknown).replaceAll('no-such-service', 'jira')).toBe(expected)
})

test('somebody else who is signed in gets the same refusal for all of them', async () => {
  const bob = visitorOf(server)
  await bob.signIn('bob', links['open'] as Link)
  const unknown = randomBytes(32).toString('base64url')
  const nothing = await bob.get(`/credentials/jira/entry?t=${unknown}`)
  expect(nothing.status).toBe(403)
  for (const [state, { entry, request }] of Object.entries(links)) {
    const { status, text, headers } = await bob.get(entry)
    expect(status, state).toBe(403)
    expect(withoutHandle(text, request.handle), state).toBe(withoutHandle(nothing.text, unknown))
    expect({ ...headers, date: '' }).toEqual({ ...nothing.headers, date: '' })
  }
  const before = server.audit.events.length
  await bob.get(`/credentials/jira/entry?t=${unknown}`)
  expect(server.audit.events.length).toBe(before)
})

test("a handle of another service's link opens nothing, even for its owner", async () => {
  const alice = visitorOf(server)
  const link = links['open'] as Link
  await alice.signIn('alice', link)
  expect((await alice.get(link.entry.replace('/jira/', '/github/'))).status).toBe(403)
})
