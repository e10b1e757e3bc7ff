import { afterAll, beforeAll, expect, test } from 'vitest'
import { fillIn } from '../harness/mcp-harness.ts'
import { type ProxyHarness, startProxyBefore, TOKENS } from '../harness/proxy/proxy-harness.ts'
import { type RepeatingServer, startRepeatingServer } from '../harness/proxy/repeating-surface.ts'
import { connectClientV2, MODERN } from '../harness/sdk-v2.ts'

let proxy: ProxyHarness<RepeatingServer>

beforeAll(async () => {
  proxy = await startProxyBefore(startRepeatingServer)
})
afterAll(() => proxy.close())

async function connect(user: keyof typeof TOKENS, era: 'auto' | 'modern' = 'modern') {
  const token = await proxy.harness.identityProvider.issueAccessToken(user)
  return connectClientV2(proxy.url, token, {
    era,
    onLink: async (link) => {
      await fillIn(link, user, { pat: TOKENS[user] })
      return 'accept' as const
    },
  })
}

test('a client of MCP 2026-07-28 is asked by the result of its call, and acts as its user', async () => {
  const alice = await connect('alice', 'auto')
  expect(alice.client.getNegotiatedProtocolVersion()).toBe(MODERN)
  expect((await alice.text('who_am_i')).text).toBe('You are alice')
  expect(alice.links).toHaveLength(1)
  expect((await alice.text('who_am_i')).text).toBe('You are alice')
  expect(alice.links).toHaveLength(1)
  const bob = await connect('bob')
  expect((await bob.text('who_am_i')).text).toBe('You are bob')
  await Promise.all([alice.client.close(), bob.client.close()])
})
