import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ProxyHarness, startProxyHarness } from '../../harness/proxy/proxy-harness.ts'
import { CALL, openRawClient, type RawClient, rpc } from '../../harness/proxy/raw-client.ts'

let proxy: ProxyHarness
let alice: RawClient
let tokens: Record<'alice' | 'bob' | 'otherClient', string>

beforeAll(async () => {
  proxy = await startProxyHarness()
  const { identityProvider } = proxy.harness
  tokens = {
    alice: await identityProvider.issueAccessToken('alice'),
    bob: await identityProvider.issueAccessToken('bob'),
    otherClient: await identityProvider.issueAccessToken('alice', { clientId: 'another-client' }),
  }
  for (const user of ['alice', 'bob'] as const) await (await proxy.connectAndFill(user)).text('who_am_i')
  alice = await openRawClient(proxy.url, tokens.alice)
  await alice.send({ body: CALL })
})
afterAll(() => proxy.close())

test.each(['GET', 'POST', 'DELETE'])(
  'with %s, neither Bob nor another client of Alice finds her session',
  async (method) => {
    for (const token of [tokens.bob, tokens.otherClient]) {
      const before = proxy.upstream.received.length
      const body = method === 'POST' ? { body: CALL } : {}
      const stolen = await alice.send({ method, token, ...body })
      const made = await alice.send({ method, token, ...body, sessionId: 'a2a6ea9d-0000-4000-8000-000000000000' })
      expect(stolen.status).toBe(404)
      expect(stolen.text).toBe(made.text)
      expect(proxy.upstream.received).toHaveLength(before)
    }
  },
)

test("Bob's answers and cancellations do not reach the session of Alice", async () => {
  const before = proxy.upstream.received.length
  for (const body of [
    { jsonrpc: '2.0', id: 0, result: { roots: [] } },
    { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } },
    { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, progress: 9 } },
    rpc(7, 'resources/subscribe', { uri: 'note://one' }),
  ])
    expect((await alice.send({ token: tokens.bob, body })).status).toBe(404)
  expect(proxy.upstream.received).toHaveLength(before)
})

test("the upstream's session ids never leave the proxy, and open nothing there", async () => {
  const ids = proxy.upstream.sessions()
  expect(ids.length).toBeGreaterThan(0)
  for (const sessionId of ids) {
    expect(alice.everything()).not.toContain(sessionId)
    expect((await alice.send({ body: CALL, sessionId })).status).toBe(404)
  }
})

test("two sessions of Alice are two at the upstream, and Bob's is a third", async () => {
  const before = new Set(proxy.upstream.sessions())
  for (const token of [tokens.alice, tokens.alice, tokens.bob])
    await (await openRawClient(proxy.url, token)).send({ body: CALL })
  expect(proxy.upstream.sessions().filter((id) => !before.has(id))).toHaveLength(3)
})

test('a session that was deleted is gone at the upstream too', async () => {
  const own = await openRawClient(proxy.url, tokens.alice)
  await own.send({ body: CALL })
  const open = proxy.upstream.sessions().length
  expect((await own.send({ method: 'DELETE' })).status).toBe(200)
  expect(proxy.upstream.sessions()).toHaveLength(open - 1)
  expect((await own.send({ body: CALL })).status).toBe(404)
})
