import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { type ProxyHarness, startProxyHarness, TOKENS } from '../../harness/proxy/proxy-harness.ts'
import { tokenIn } from '../../harness/proxy/upstream-server.ts'

let proxy: ProxyHarness

beforeAll(async () => {
  proxy = await startProxyHarness({
    upstream: {
      register(server: McpServer) {
        // A server whose list depends on who asks.
        server.registerTool('look', { inputSchema: { x: z.string().optional() } }, async (_, extra) => {
          const who = tokenIn(extra.requestInfo?.headers ?? {}) === TOKENS.alice ? 'alice' : 'bob'
          server.registerTool(`only_for_${who}`, {}, async () => ({ content: [] }))
          return { content: [] }
        })
      },
    },
  })
})
afterAll(() => proxy.close())

test("nobody sees another user's tools, before or after connecting, and their lists are told to have changed", async () => {
  const [alice, bob] = [await proxy.connectAndFill('alice'), await proxy.connectAndFill('bob')]
  const names = async ({ client }: typeof alice) => (await client.listTools()).tools.map(({ name }) => name)
  expect(await names(bob)).toEqual([])
  const changes: string[] = []
  bob.client.setNotificationHandler(ToolListChangedNotificationSchema, ({ method }) => void changes.push(method))
  await alice.call('look')
  expect(await names(alice)).toContain('only_for_alice')
  expect(await names(bob)).toEqual([])
  expect(changes).toEqual([])
  await bob.call('look')
  await expect.poll(() => changes.length).toBeGreaterThan(0)
  expect(await names(bob)).toContain('only_for_bob')
  expect(await names(bob)).not.toContain('only_for_alice')
  expect(await names(alice)).not.toContain('only_for_bob')
})
