import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ListeningStream, listen } from '../harness/listening-stream.ts'
import { fillIn } from '../harness/mcp-harness.ts'
import { type ProxyHarness, startProxyBefore, startProxyHarness, TOKENS } from '../harness/proxy/proxy-harness.ts'
import { connectRepeating, EVERYTHING } from '../harness/proxy/repeating-client.ts'
import { startRepeatingServer } from '../harness/proxy/repeating-surface.ts'
import { registerWholeSurface } from '../harness/proxy/whole-surface.ts'

const ALL = {
  toolsListChanged: true,
  promptsListChanged: true,
  resourcesListChanged: true,
  resourceSubscriptions: ['note://one'],
}

const methods = ({ messages }: ListeningStream) => messages.map(({ method }) => method)

describe.each<[string, () => Promise<ProxyHarness<{ close(): Promise<void> }>>]>([
  ['2026-07-28', () => startProxyBefore(startRepeatingServer)],
  ['2025-11-25', () => startProxyHarness({ upstream: { register: registerWholeSurface } })],
])('a server of MCP %s', (_, start) => {
  let proxy: ProxyHarness<{ close(): Promise<void> }>
  let token: string

  beforeAll(async () => {
    proxy = await start()
    token = await proxy.harness.identityProvider.issueAccessToken('alice')
  })
  afterAll(() => proxy.close())

  const connect = () =>
    connectRepeating(proxy.url, token, async (link) => {
      await fillIn(link, 'alice', { pat: TOKENS.alice })
    })

  test('is heard as soon as its user has connected, with changed lists first', async () => {
    const stream = await listen(proxy.url, token, ALL, EVERYTHING)
    await expect.poll(() => methods(stream)).toEqual(['notifications/subscriptions/acknowledged'])
    const { client } = await connect()
    await client.callTool({ name: 'who_am_i' })
    await expect.poll(() => methods(stream)).toContain('notifications/prompts/list_changed')
    await expect
      .poll(async () => {
        await client.callTool({ name: 'update' })
        return methods(stream)
      })
      .toContain('notifications/resources/updated')
    for (const { params } of stream.messages)
      expect(params?._meta?.['io.modelcontextprotocol/subscriptionId']).toBe('my-stream')
    stream.close()
    await client.close()
  })

  test('says what it takes, and sends nothing else', async () => {
    const stream = await listen(proxy.url, token, { resourceSubscriptions: ['note://one', 'page://first'] }, EVERYTHING)
    await expect.poll(() => stream.messages.length).toBe(1)
    expect(stream.messages[0]?.params?.notifications).toEqual({
      resourceSubscriptions: ['note://one', 'page://first'],
    })
    const { client } = await connect()
    await expect
      .poll(async () => {
        await client.callTool({ name: 'update' })
        return methods(stream)
      })
      .toContain('notifications/resources/updated')
    expect(methods(stream)).not.toContain('notifications/tools/list_changed')
    stream.close()
    await client.close()
  })

  test('a filter that is none is refused', async () => {
    const stream = await listen(proxy.url, token, [] as never)
    await stream.ended
    expect(stream.text).toContain('-32602')
  })

  test("another user's stream hears nothing of it", async () => {
    const bob = await listen(proxy.url, await proxy.harness.identityProvider.issueAccessToken('bob'), ALL)
    const stream = await listen(proxy.url, token, ALL, EVERYTHING)
    const { client } = await connect()
    await expect
      .poll(async () => {
        await client.callTool({ name: 'update' })
        return methods(stream)
      })
      .toContain('notifications/resources/updated')
    expect(methods(bob)).toEqual(['notifications/subscriptions/acknowledged'])
    for (const one of [bob, stream]) one.close()
    await client.close()
  })
})
