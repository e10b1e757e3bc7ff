import { InMemoryServerEventBus } from '@modelcontextprotocol/server'
import { afterEach, expect, test } from 'vitest'
import { type ListeningStream, listen } from '../../harness/listening-stream.ts'
import { type HarnessV2, type HarnessV2Options, startHarnessV2 } from '../../harness/sdk-v2.ts'

let harness: HarnessV2
const bus = new InMemoryServerEventBus()
const start = async (options: HarnessV2Options = {}) => {
  const capabilities = { tools: { listChanged: true }, prompts: { listChanged: true } }
  harness = await startHarnessV2({
    mount: { bus },
    serverOptions: { capabilities },
    tools(server) {
      server.registerPrompt('hello', {}, () => ({ messages: [] }))
    },
    ...options,
  })
}
afterEach(() => harness.close())

async function listenAs(user: string, notifications: object): Promise<ListeningStream> {
  const stream = await listen(
    `${harness.baseUrl}/mcp`,
    await harness.identityProvider.issueAccessToken(user),
    notifications,
  )
  expect([stream.response.status, stream.response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
  await expect.poll(() => stream.messages.length).toBeGreaterThan(0)
  return stream
}

const methods = ({ messages }: ListeningStream) => messages.map(({ method }) => method)

test('a stream begins with its acknowledgement, carries its own id, and only what its client asked for', async () => {
  await start()
  const tools = await listenAs('alice', { toolsListChanged: true })
  const prompts = await listenAs('alice', { promptsListChanged: true })
  bus.publish({ kind: 'tools_list_changed' })
  bus.publish({ kind: 'prompts_list_changed' })
  await expect.poll(() => [tools.messages.length, prompts.messages.length]).toEqual([2, 2])
  const acknowledged = 'notifications/subscriptions/acknowledged'
  expect(methods(tools)).toEqual([acknowledged, 'notifications/tools/list_changed'])
  expect(methods(prompts)).toEqual([acknowledged, 'notifications/prompts/list_changed'])
  for (const { params } of [...tools.messages, ...prompts.messages])
    expect(params?._meta?.['io.modelcontextprotocol/subscriptionId']).toBe('my-stream')
})

test('closing the vault ends a stream that was alive, whole and not cut off, while a call still runs', async () => {
  let release = () => {}
  let running = false
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  await start({
    tools(server) {
      server.registerTool('slow', {}, async () => {
        running = true
        await released
        return { content: [{ type: 'text', text: 'finished' }] }
      })
    },
  })
  const stream = await listenAs('alice', { toolsListChanged: true })
  bus.publish({ kind: 'tools_list_changed' })
  await expect.poll(() => stream.messages.length).toBe(2)
  const alice = await harness.connectV2('alice')
  const call = alice.text('slow')
  await expect.poll(() => running).toBe(true)
  expect(stream.state).toBe('open')
  const closed = harness.vault.close()
  expect(await stream.ended).toBe('ended')
  // Its client is told that this was on purpose.
  expect(stream.messages.at(-1)).toMatchObject({
    id: 'my-stream',
    result: { resultType: 'complete', _meta: { 'io.modelcontextprotocol/subscriptionId': 'my-stream' } },
  })
  // The stream did not wait for the call, nor the call's answer for the stream.
  release()
  expect(await call).toEqual({ text: 'finished', isError: false })
  await closed
  bus.publish({ kind: 'tools_list_changed' })
  expect(stream.messages).toHaveLength(3)
})

test('the client of SDK 2.x sees a change, and then that the server ended the stream on purpose', async () => {
  await start()
  const alice = await harness.connectV2('alice')
  const changed: string[] = []
  alice.client.setNotificationHandler('notifications/tools/list_changed', ({ method }) => void changed.push(method))
  const subscription = await alice.client.listen({ toolsListChanged: true })
  bus.publish({ kind: 'tools_list_changed' })
  await expect.poll(() => changed).toEqual(['notifications/tools/list_changed'])
  await harness.vault.close()
  expect(await subscription.closed).toBe('graceful')
})

test('offboarding its owner leaves a stream open, which holds nothing of that owner', async () => {
  await start()
  const stream = await listenAs('alice', { toolsListChanged: true })
  expect((await harness.vault.offboard(harness.owner('alice'))).left).toEqual([])
  expect(stream.state).toBe('open')
  bus.publish({ kind: 'tools_list_changed' })
  await expect.poll(() => stream.messages.length).toBe(2)
  expect(stream.text).not.toMatch(/alice|jira/i)
})
