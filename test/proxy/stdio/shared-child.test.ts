import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openRawClient, type RawClient, rpc } from '../../harness/proxy/raw-client.ts'
import { openStandingStream } from '../../harness/proxy/standing-stream.ts'
import { type StdioProxy, startStdioProxy, tool } from '../../harness/proxy/stdio-proxy.ts'
import { isRunning } from '../children/fixture.ts'

let proxy: StdioProxy
let tokens: Record<'alice' | 'bob', string>
let one: RawClient
let other: RawClient

const call = (id: number, name: string, parameters: object = {}, progressToken?: string) =>
  rpc(id, 'tools/call', {
    name,
    arguments: parameters,
    ...(progressToken !== undefined && { _meta: { progressToken } }),
  })

beforeAll(async () => {
  proxy = await startStdioProxy({ upstream: { share: 'owner' } })
  const { identityProvider } = proxy.harness
  tokens = {
    alice: await identityProvider.issueAccessToken('alice'),
    bob: await identityProvider.issueAccessToken('bob'),
  }
  for (const user of ['alice', 'bob'] as const) await tool(await proxy.connectAndFill(user), 'who_am_i')
})
beforeEach(async () => {
  const capabilities = { sampling: {}, roots: {}, elicitation: {} }
  one = await openRawClient(proxy.url, tokens.alice, capabilities)
  other = await openRawClient(proxy.url, tokens.alice, capabilities)
})
afterAll(() => proxy.close())

async function pidOf(client: RawClient): Promise<number> {
  const { text } = await client.send({ body: call(99, 'surroundings') })
  return JSON.parse(JSON.parse(text).result.content[0].text).pid
}

test('the sessions of one person share a child, and nobody else has it', async () => {
  const bob = await openRawClient(proxy.url, tokens.bob)
  const [first, second, third] = await Promise.all([one, other, bob].map(pidOf))
  expect(second).toBe(first)
  expect(third).not.toBe(first)
  await bob.send({ method: 'DELETE' })
})

test('equal ids and progress tokens of two sessions stay apart', async () => {
  const answers = await Promise.all([
    one.send({ body: call(1, 'progress', {}, 'same') }),
    other.send({ body: call(1, 'who_am_i', { milliseconds: 100 }, 'same') }),
  ])
  expect(answers[0].text.match(/"progressToken":"same"/g)).toHaveLength(3)
  expect(answers[0].text).toContain('"id":1')
  expect(answers[1].text).not.toContain('notifications/progress')
  expect(answers[1].text).toContain('You are alice')
})

test('a session cannot cancel what another one has asked', async () => {
  const slow = one.send({ body: call(5, 'who_am_i', { milliseconds: 600 }) })
  await expect.poll(() => proxy.harness.audit.events.at(-1)?.tool).toBe('who_am_i')
  await other.send({ body: { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 5 } } })
  expect((await slow).text).toContain('You are alice')
})

test('updates go to the session that has subscribed, and stay when another one unsubscribes', async () => {
  const mine = await openStandingStream(proxy.url, tokens.alice, one.sessionId)
  const hers = await openStandingStream(proxy.url, tokens.alice, other.sessionId)
  const updates = (text: string) => text.match(/resources\/updated/g)?.length ?? 0
  await one.send({ body: rpc(1, 'resources/subscribe', { uri: 'note://one' }) })
  await other.send({ body: call(2, 'update') })
  await expect.poll(() => updates(mine.text())).toBe(1)
  await other.send({ body: rpc(3, 'resources/subscribe', { uri: 'note://one' }) })
  await other.send({ body: rpc(4, 'resources/unsubscribe', { uri: 'note://one' }) })
  await other.send({ body: call(5, 'update') })
  await expect.poll(() => updates(mine.text())).toBe(2)
  await one.send({ body: rpc(6, 'resources/unsubscribe', { uri: 'note://one' }) })
  expect((await one.send({ body: call(7, 'update') })).text).toContain('[]')
  expect(updates(hers.text())).toBe(0)
  mine.close()
  hers.close()
})

test('each session gets the log from its own level on', async () => {
  const mine = await openStandingStream(proxy.url, tokens.alice, one.sessionId)
  const hers = await openStandingStream(proxy.url, tokens.alice, other.sessionId)
  await one.send({ body: rpc(1, 'logging/setLevel', { level: 'error' }) })
  await other.send({ body: rpc(1, 'logging/setLevel', { level: 'debug' }) })
  await one.send({ body: call(2, 'announce', { data: 'a warning' }) })
  await expect.poll(() => hers.text()).toContain('a warning')
  expect(mine.text()).not.toContain('a warning')
  mine.close()
  hers.close()
})

test('questions of the server are refused, and no client is told that they were asked', async () => {
  const mine = await openStandingStream(proxy.url, tokens.alice, one.sessionId)
  for (const name of ['sample', 'elicit', 'roots']) {
    const { text } = await one.send({ body: call(3, name) })
    expect(text).toMatch(/isError|error/)
    expect(text).not.toMatch(/sampling\/createMessage|elicitation\/create|roots\/list"/)
  }
  expect(mine.text()).not.toMatch(/sampling|elicitation\/create|roots/)
  mine.close()
})

test('the child ends with the last session', async () => {
  const bob = [await openRawClient(proxy.url, tokens.bob), await openRawClient(proxy.url, tokens.bob)] as const
  const pid = await pidOf(bob[0])
  await bob[0].send({ method: 'DELETE' })
  expect(await pidOf(bob[1])).toBe(pid)
  await proxy.disconnectAll('bob')
  await bob[1].send({ method: 'DELETE' })
  await expect.poll(() => isRunning(pid)).toBe(false)
})
