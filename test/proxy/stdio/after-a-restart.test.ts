import { afterAll, beforeAll, expect, test } from 'vitest'
import { openRawClient, rpc } from '../../harness/proxy/raw-client.ts'
import { openStandingStream } from '../../harness/proxy/standing-stream.ts'
import { type StdioProxy, startStdioProxy, tool } from '../../harness/proxy/stdio-proxy.ts'
import { isRunning } from '../children/fixture.ts'

let proxy: StdioProxy

beforeAll(async () => {
  proxy = await startStdioProxy({ proxy: { children: { idleSeconds: 1 } } })
  await tool(await proxy.connectAndFill('alice'), 'who_am_i')
})
afterAll(() => proxy.close())

const call = (id: number, name: string, parameters: object = {}) =>
  rpc(id, 'tools/call', { name, arguments: parameters })

test('a child that was idle is replaced by the next call, and subscriptions and the log level are there again', async () => {
  const token = await proxy.harness.identityProvider.issueAccessToken('alice')
  const client = await openRawClient(proxy.url, token)
  const pidIn = ({ text }: { readonly text: string }) => Number(/pid\\":(\d+)/.exec(text)?.[1])
  const first = pidIn(await client.send({ body: call(1, 'surroundings') }))
  await client.send({ body: rpc(2, 'resources/subscribe', { uri: 'note://one' }) })
  await client.send({ body: rpc(3, 'resources/subscribe', { uri: 'page://first' }) })
  await client.send({ body: rpc(4, 'resources/unsubscribe', { uri: 'page://first' }) })
  await client.send({ body: rpc(5, 'logging/setLevel', { level: 'error' }) })
  await expect.poll(() => isRunning(first)).toBe(false)
  expect(pidIn(await client.send({ body: call(6, 'surroundings') }))).not.toBe(first)
  expect((await client.send({ body: call(7, 'update') })).text).toContain('[\\"note://one\\"]')
})

test('a standing stream outlives the child, and carries what the next one says', async () => {
  const token = await proxy.harness.identityProvider.issueAccessToken('alice')
  const client = await openRawClient(proxy.url, token)
  const stream = await openStandingStream(proxy.url, token, client.sessionId)
  await client.send({ body: call(1, 'announce', { data: 'from the first' }) })
  await expect.poll(() => stream.text()).toContain('from the first')
  await client.send({ body: call(2, 'crash') })
  // After a crash, the next start waits a moment.
  await expect.poll(async () => (await client.send({ body: call(3, 'who_am_i') })).text).toContain('You are alice')
  await client.send({ body: call(4, 'announce', { data: 'from the second' }) })
  await expect.poll(() => stream.text()).toContain('from the second')
  stream.close()
})
