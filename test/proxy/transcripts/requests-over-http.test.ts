import { afterAll, beforeAll, expect, test } from 'vitest'
import { fillIn } from '../../harness/mcp-harness.ts'
import { type ProxyHarness, startProxyBefore, TOKENS } from '../../harness/proxy/proxy-harness.ts'
import { connectRepeating } from '../../harness/proxy/repeating-client.ts'
import { type RepeatingServer, startRepeatingServer } from '../../harness/proxy/repeating-surface.ts'
import { walkRepeating } from './repeating-walk.ts'

let proxy: ProxyHarness<RepeatingServer>

beforeAll(async () => {
  proxy = await startProxyBefore(startRepeatingServer)
})
afterAll(() => proxy.close())

test('everything of a server of MCP 2026-07-28 gives the same results through the proxy as directly', async () => {
  const token = await proxy.harness.identityProvider.issueAccessToken('alice')
  const { client } = await connectRepeating(proxy.url, token, (link) =>
    fillIn(link, 'alice', { pat: TOKENS.alice }).then(() => undefined),
  )
  await client.callTool({ name: 'who_am_i' })
  await client.close()
  const direct = await walkRepeating(proxy.upstream.url, TOKENS.alice)
  expect(await walkRepeating(proxy.upstream.url, TOKENS.alice)).toEqual(direct)
  expect(await walkRepeating(proxy.url, token)).toEqual(direct)
})
