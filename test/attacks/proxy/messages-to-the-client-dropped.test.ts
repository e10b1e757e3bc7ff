import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import {
  LoggingMessageNotificationSchema,
  PromptListChangedNotificationSchema,
  ResourceListChangedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestClient } from '../../harness/mcp-harness.ts'
import { startProxyHarness } from '../../harness/proxy/proxy-harness.ts'
import { startStdioProxy, tool } from '../../harness/proxy/stdio-proxy.ts'
import { registerWholeSurface } from '../../harness/proxy/whole-surface.ts'

interface AnyProxy {
  connectAndFill(user: 'alice'): Promise<TestClient>
  close(): Promise<void>
}

function register(server: McpServer): void {
  registerWholeSurface(server)
}

describeBoth('over HTTP', () => startProxyHarness({ upstream: { register } }))
describeBoth('over stdio', () => startStdioProxy())

function describeBoth(how: string, start: () => Promise<AnyProxy>): void {
  let proxy: AnyProxy

  beforeAll(async () => {
    proxy = await start()
  })
  afterAll(() => proxy.close())

  test(`${how}: logs, updates and changed lists reach a client that was there before it had a credential`, async () => {
    const alice = await proxy.connectAndFill('alice')
    const seen: string[] = []
    const { client } = alice
    const note = ({ method }: { method: string }) => void seen.push(method)
    client.setNotificationHandler(ToolListChangedNotificationSchema, note)
    client.setNotificationHandler(PromptListChangedNotificationSchema, note)
    client.setNotificationHandler(ResourceListChangedNotificationSchema, note)
    client.setNotificationHandler(LoggingMessageNotificationSchema, note)
    expect((await client.listTools()).tools).toEqual([])
    await tool(alice, 'who_am_i')
    // The lists were empty, and are not any more.
    await expect.poll(() => seen).toContain('notifications/tools/list_changed')
    await expect.poll(() => seen).toContain('notifications/prompts/list_changed')
    await expect.poll(() => seen).toContain('notifications/resources/list_changed')
    const before = seen.filter((method) => method === 'notifications/tools/list_changed').length
    await tool(alice, 'grow')
    await expect
      .poll(() => seen.filter((method) => method === 'notifications/tools/list_changed').length)
      .toBeGreaterThan(before)
    await client.setLoggingLevel('debug')
    await tool(alice, 'log')
    await expect.poll(() => seen).toContain('notifications/message')
  })
}
