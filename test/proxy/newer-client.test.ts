import { afterAll, beforeAll, expect, test } from 'vitest'
import { fillIn } from '../harness/mcp-harness.ts'
import { type ProxyHarness, startProxyHarness, TOKENS } from '../harness/proxy/proxy-harness.ts'
import { connectClientV2, MODERN } from '../harness/sdk-v2.ts'

let proxy: ProxyHarness

beforeAll(async () => {
  proxy = await startProxyHarness()
})
afterAll(() => proxy.close())

test('a client that knows both revisions speaks MCP 2026-07-28 with the proxy, whatever the server speaks', async () => {
  const token = await proxy.harness.identityProvider.issueAccessToken('alice')
  const alice = await connectClientV2(proxy.url, token, {
    era: 'auto',
    onLink: async (link) => {
      await fillIn(link, 'alice', { pat: TOKENS.alice })
      return 'accept' as const
    },
  })
  expect(alice.client.getNegotiatedProtocolVersion()).toBe(MODERN)
  expect((await alice.text('who_am_i')).text).toBe('You are alice')
  expect(alice.links).toHaveLength(1)
  await alice.client.close()
})
