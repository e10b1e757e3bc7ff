import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type FormServer, GOOD_VALUES, startFormServer } from '../../harness/browser/form-server.ts'
import { csrfOf, headingOf, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
})
afterEach(async () => {
  vi.useRealTimers()
  await server.close()
})

test('a form that was opened in time and is sent too late saves nothing, and says so to its owner', async () => {
  server = await startFormServer({ linkTtlSeconds: 60 })
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  const token = csrfOf((await alice.get(link.entry)).text, link)
  vi.setSystemTime(Date.now() + 61_000)
  const sent = await alice.post(link.submit, { 'csrf-token': token, ...GOOD_VALUES })
  expect(sent.status).toBe(409)
  expect(headingOf(sent.text)).toMatch(/expired/)
  expect(sent.text).not.toContain(GOOD_VALUES.pat)
  expect(await server.stored('alice')).toBe('absent')
})

test('a form whose session has ended meanwhile saves nothing and leaves the link good', async () => {
  server = await startFormServer({ linkTtlSeconds: 3600, options: { sessionIdleSeconds: 60 } })
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  const token = csrfOf((await alice.get(link.entry)).text, link)
  vi.setSystemTime(Date.now() + 61_000)
  expect((await alice.post(link.submit, { 'csrf-token': token, ...GOOD_VALUES })).status).toBe(401)
  expect(await server.stored('alice')).toBe('absent')
  const again = visitorOf(server)
  await again.signIn('alice', link)
  expect((await again.submit(link, GOOD_VALUES)).status).toBe(303)
})

test('a save that takes longer than the link lives is still saved once, and never twice', async () => {
  server = await startFormServer({
    linkTtlSeconds: 60,
    wrap: {
      pendingRequests: (requests) => ({
        ...requests,
        async claim(request) {
          const claimed = await requests.claim(request)
          vi.setSystemTime(Date.now() + 61_000)
          return claimed
        },
      }),
    },
  })
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  expect([200, 303]).toContain((await alice.submit(link, GOOD_VALUES)).status)
  expect(await server.stored('alice')).toEqual(GOOD_VALUES)
  const second = await alice.post(link.submit, { 'csrf-token': 'x', ...GOOD_VALUES })
  expect([401, 403, 409]).toContain(second.status)
})
