import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PendingStore } from '../../../src/core/ports/pending-store.ts'
import { memoryBrowserSessions } from '../../../src/pending/memory-browser-sessions.ts'
import { memoryPendingStore } from '../../../src/pending/memory-pending-store.ts'
import { type FormServer, GOOD_VALUES, type Link, startFormServer } from '../../harness/browser/form-server.ts'
import { visitorOf } from '../../harness/browser/visitor.ts'

const PAGES = 5

let looks = 0
let server: FormServer
let link: Link

beforeAll(async () => {
  const sessions = memoryBrowserSessions()
  const store: PendingStore = memoryPendingStore()
  server = await startFormServer({
    options: { rateLimits: { pagesPerMinute: PAGES } },
    sessions: {
      ...sessions,
      isEnded(session) {
        looks += 1
        return sessions.isEnded(session)
      },
    },
    pendingStore: {
      ...store,
      get(...given) {
        looks += 1
        return store.get(...given)
      },
    },
  })
  link = await server.ask('alice')
})
afterAll(() => server.close())

// The looks at session and link begin beside the one at the limit, but not for who is known to be over it.
test('a signed-in user who is over the limit of pages causes no further looks', async () => {
  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  const address = { 'x-forwarded-for': '192.0.2.7' }
  for (let page = 0; page < PAGES; page += 1) expect((await alice.get(link.entry, address)).status).toBe(200)
  expect((await alice.get(link.entry, address)).status).toBe(429)
  looks = 0
  for (let more = 0; more < 20; more += 1) expect((await alice.get(link.entry, address)).status).toBe(429)
  expect((await alice.post(link.submit, { 'csrf-token': 'x', ...GOOD_VALUES }, address)).status).toBe(429)
  expect(looks).toBe(0)
})

test('a stranger causes none, however little they have asked for', async () => {
  const stranger = visitorOf(server)
  looks = 0
  expect((await stranger.get(link.entry)).status).toBe(200)
  await stranger.post(link.submit, { 'csrf-token': 'x', ...GOOD_VALUES })
  expect(looks).toBe(0)
})
