import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventReader } from '../../harness/proxy/event-reader.ts'
import { memoryEventStore } from '../../harness/proxy/event-store.ts'
import { type ProxyHarness, startProxyHarness } from '../../harness/proxy/proxy-harness.ts'
import { CALL, openRawClient, type RawClient, rpc } from '../../harness/proxy/raw-client.ts'

let proxy: ProxyHarness
let alice: RawClient
let bob: RawClient
const tokens = { alice: '', bob: '' }

beforeAll(async () => {
  // All sessions of this server share one store, and it replays a stream to anyone who names a place in it.
  const store = memoryEventStore()
  proxy = await startProxyHarness({
    upstream: {
      eventStore: () => store,
      register(server) {
        server.registerTool('secret_plan', {}, async () => ({ content: [{ type: 'text', text: 'plan of alice' }] }))
      },
    },
  })
  for (const user of ['alice', 'bob'] as const) {
    await (await proxy.connectAndFill(user)).text('who_am_i')
    tokens[user] = await proxy.harness.identityProvider.issueAccessToken(user)
  }
  alice = await openRawClient(proxy.url, tokens.alice)
  bob = await openRawClient(proxy.url, tokens.bob)
  await bob.send({ body: CALL })
})
afterAll(() => proxy.close())

async function take(user: 'alice' | 'bob', { sessionId }: RawClient, place: string) {
  const before = proxy.upstream.received.length
  const stop = new AbortController()
  const response = await fetch(proxy.url, {
    headers: {
      authorization: `Bearer ${tokens[user]}`,
      accept: 'text/event-stream',
      'mcp-session-id': sessionId,
      'last-event-id': place,
    },
    signal: stop.signal,
  })
  await expect.poll(() => proxy.upstream.received.length).toBeGreaterThan(before)
  const [received] = proxy.upstream.received.slice(before)
  return { response, stop, sent: received?.headers['last-event-id'] }
}

test("a place in Alice's stream is nothing to Bob, in his own session and in hers", async () => {
  const { text } = await alice.send({ body: rpc(3, 'tools/call', { name: 'secret_plan', arguments: {} }) })
  expect(text).toContain('plan of alice')
  const [first = ''] = [...text.matchAll(/^id: (.+)$/gm)].map(([, id = '']) => id)
  expect(first).not.toBe('')
  const taken = await take('bob', bob, first)
  expect(taken.sent).toBeUndefined()
  taken.stop.abort()
  // The upstream's own names are numbered, and would be easy to guess.
  for (const guess of ['event-0', 'event-1', 'event-2']) {
    const guessed = await take('bob', bob, guess)
    expect(guessed.sent).toBeUndefined()
    guessed.stop.abort()
  }
  expect((await alice.send({ method: 'GET', token: tokens.bob, headers: { 'last-event-id': first } })).status).toBe(404)
  expect(text).not.toContain('event-')

  const own = await take('alice', alice, first)
  expect(own.sent).toMatch(/^event-\d+$/)
  expect(await eventReader(own.response).next()).toContain('plan of alice')
  own.stop.abort()
})
