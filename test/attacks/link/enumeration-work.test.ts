import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { PendingStore } from '../../../src/core/ports/pending-store.ts'
import { memoryPendingStore } from '../../../src/pending/memory-pending-store.ts'
import { type FormServer, GOOD_VALUES, type Link, startFormServer } from '../../harness/browser/form-server.ts'
import { visitorOf } from '../../harness/browser/visitor.ts'

/** Names of the store's operations since it was last emptied: what an answer's time is made of. */
const asked: string[] = []
let server: FormServer
let links: Record<string, Link>

function watched(store: PendingStore): PendingStore {
  return new Proxy(store, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver)
      if (typeof member !== 'function') return member
      return (...parameters: unknown[]) => {
        asked.push(String(name))
        return Reflect.apply(member, target, parameters)
      }
    },
  })
}

beforeAll(async () => {
  server = await startFormServer({ linkTtlSeconds: 60, pendingStore: watched(memoryPendingStore()) })
  const expired = await server.ask('alice', { clientId: 'expired' })
  vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ['Date'] })
  const used = await server.ask('alice', { clientId: 'used' })
  const alice = visitorOf(server)
  await alice.signIn('alice', used)
  await alice.submit(used, GOOD_VALUES)
  const open = await server.ask('alice', { clientId: 'open' })
  const unknown = randomBytes(32).toString('base64url')
  const swap = (text: string) => text.replace(open.request.handle, unknown)
  const nothing = { ...open, entry: swap(open.entry), submit: swap(open.submit) }
  links = { open, used, expired, nothing }
})
afterAll(async () => {
  vi.useRealTimers()
  await server.close()
})

test('who is not signed in causes no work that depends on the link', async () => {
  const stranger = visitorOf(server)
  for (const [state, link] of Object.entries(links)) {
    asked.length = 0
    await stranger.get(link.entry)
    await stranger.post(link.submit, { 'csrf-token': 'x', ...GOOD_VALUES })
    expect(asked, state).toEqual([])
  }
})

test('who is somebody else causes the same work for an open, used, expired and unknown link', async () => {
  const bob = visitorOf(server)
  await bob.signIn('bob', await server.ask('bob'))
  const work = new Map<string, readonly string[]>()
  for (const [state, link] of Object.entries(links)) {
    asked.length = 0
    expect((await bob.get(link.entry)).status).toBe(403)
    expect((await bob.post(link.submit, { 'csrf-token': 'x', ...GOOD_VALUES })).status).toBe(403)
    work.set(state, [...asked])
  }
  expect(work.get('nothing')?.length).toBeGreaterThan(0)
  for (const state of ['open', 'used', 'expired']) expect(work.get(state), state).toEqual(work.get('nothing'))
})
