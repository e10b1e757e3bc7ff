import { afterAll, beforeAll, expect, test } from 'vitest'
import { openRawClient, type RawClient, rpc } from '../../harness/proxy/raw-client.ts'
import { openStandingStream } from '../../harness/proxy/standing-stream.ts'
import { type StdioProxy, startStdioProxy, tool } from '../../harness/proxy/stdio-proxy.ts'
import { isRunning } from '../../proxy/children/fixture.ts'

let proxy: StdioProxy
let alice: RawClient
let bob: RawClient
let tokens: Record<'alice' | 'bob' | 'otherClient', string>

const call = (id: number, name: string, parameters: object = {}, progressToken?: string) =>
  rpc(id, 'tools/call', {
    name,
    arguments: parameters,
    ...(progressToken !== undefined && { _meta: { progressToken } }),
  })

beforeAll(async () => {
  proxy = await startStdioProxy()
  const { identityProvider } = proxy.harness
  tokens = {
    alice: await identityProvider.issueAccessToken('alice'),
    bob: await identityProvider.issueAccessToken('bob'),
    otherClient: await identityProvider.issueAccessToken('alice', { clientId: 'another-client' }),
  }
  for (const user of ['alice', 'bob'] as const) await tool(await proxy.connectAndFill(user), 'who_am_i')
  alice = await openRawClient(proxy.url, tokens.alice)
  bob = await openRawClient(proxy.url, tokens.bob)
})
afterAll(() => proxy.close())

async function surroundings(client: RawClient): Promise<{ pid: number; home: string }> {
  const { text } = await client.send({ body: call(99, 'surroundings') })
  return JSON.parse(JSON.parse(text).result.content[0].text)
}

test.each(['GET', 'POST', 'DELETE'])(
  'with %s and her session id, neither Bob nor another client of Alice reaches her child',
  async (method) => {
    const { pid } = await surroundings(alice)
    const lines = proxy.harness.audit.events.length
    for (const token of [tokens.bob, tokens.otherClient]) {
      const body = method === 'POST' ? { body: call(1, 'who_am_i') } : {}
      const stolen = await alice.send({ method, token, ...body })
      const made = await alice.send({ method, token, ...body, sessionId: 'a2a6ea9d-0000-4000-8000-000000000000' })
      expect(stolen.status).toBe(404)
      expect(stolen.text).toBe(made.text)
    }
    const { events } = proxy.harness.audit
    expect(events.slice(lines).filter(({ type }) => type === 'credential.resolved')).toEqual([])
    expect(isRunning(pid)).toBe(true)
  },
)

test('each session has a child and a HOME of its own, also two of the same person', async () => {
  const second = await openRawClient(proxy.url, tokens.alice)
  const all = await Promise.all([alice, second, bob].map(surroundings))
  expect(new Set(all.map(({ pid }) => pid)).size).toBe(3)
  expect(new Set(all.map(({ home }) => home)).size).toBe(3)
})

test("Bob's answers, cancellations and progress with her ids change nothing in the session of Alice", async () => {
  const slow = alice.send({ body: call(5, 'who_am_i', { milliseconds: 600 }, 'p') })
  for (const body of [
    { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 5 } },
    { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 'p', progress: 9 } },
    { jsonrpc: '2.0', id: 0, result: { roots: [] } },
  ]) {
    expect((await bob.send({ body })).status).toBe(202)
    expect((await alice.send({ body, token: tokens.bob })).status).toBe(404)
  }
  expect((await slow).text).toContain('You are alice')
})

test('calls with the same ids and progress tokens at the same time stay apart', async () => {
  const both = await Promise.all([alice, bob].map((client) => client.send({ body: call(7, 'progress', {}, 'same') })))
  for (const { text } of both) expect(text.match(/notifications\/progress/g)).toHaveLength(3)
  const texts = await Promise.all([alice, bob].map((client) => client.send({ body: call(8, 'who_am_i') })))
  expect(texts.map(({ text }) => /You are \w+/.exec(text)?.[0])).toEqual(['You are alice', 'You are bob'])
})

test('lists, subscriptions, logs and updates of Alice reach her streams alone', async () => {
  const heard = await openStandingStream(proxy.url, tokens.bob, bob.sessionId)
  const own = await openStandingStream(proxy.url, tokens.alice, alice.sessionId)
  await bob.send({ body: rpc(20, 'resources/subscribe', { uri: 'note://one' }) })
  await alice.send({ body: rpc(20, 'resources/subscribe', { uri: 'note://one' }) })
  await alice.send({ body: call(21, 'update') })
  await alice.send({ body: call(22, 'announce', { data: 'only for alice' }) })
  await alice.send({ body: call(23, 'grow') })
  await expect.poll(() => own.text()).toContain('tools/list_changed')
  expect(own.text()).toContain('only for alice')
  expect(own.text()).toContain('resources/updated')
  // What Bob's own child says comes after anything that could have come from hers.
  await bob.send({ body: call(24, 'announce', { data: 'only for bob' }) })
  await expect.poll(() => heard.text()).toContain('only for bob')
  expect(heard.text()).not.toMatch(/only for alice|resources\/updated|list_changed/)
  expect((await bob.send({ body: rpc(25, 'tools/list') })).text).not.toContain('grown')
  expect((await alice.send({ body: rpc(25, 'tools/list') })).text).toContain('grown')
  heard.close()
  own.close()
})
