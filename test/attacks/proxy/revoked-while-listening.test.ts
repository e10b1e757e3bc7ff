import { afterAll, beforeAll, expect, test } from 'vitest'
import { advanceClock } from '../../harness/advance-clock.ts'
import { listen } from '../../harness/listening-stream.ts'
import { fillIn } from '../../harness/mcp-harness.ts'
import { type ProxyHarness, startProxyBefore, TOKENS } from '../../harness/proxy/proxy-harness.ts'
import { connectRepeating } from '../../harness/proxy/repeating-client.ts'
import { type RepeatingServer, startRepeatingServer } from '../../harness/proxy/repeating-surface.ts'

let proxy: ProxyHarness<RepeatingServer>
let token: string

beforeAll(async () => {
  proxy = await startProxyBefore(startRepeatingServer)
  token = await proxy.harness.identityProvider.issueAccessToken('alice')
  const { client } = await connectRepeating(proxy.url, token, async (link) => {
    await fillIn(link, 'alice', { pat: TOKENS.alice })
  })
  await client.callTool({ name: 'who_am_i' })
  await client.close()
})
afterAll(() => proxy.close())

test('after a revocation, a stream of notices carries nothing more and ends', async () => {
  const stream = await listen(proxy.url, token, { toolsListChanged: true })
  await expect.poll(() => stream.messages.length).toBe(1)
  proxy.upstream.bus.publish({ kind: 'tools_list_changed' })
  await expect.poll(() => stream.messages.length).toBe(2)
  await proxy.harness.forget('alice', 'gitlab')
  advanceClock(120_000)
  // What was known of the credential counts for a second.
  await expect
    .poll(() => {
      proxy.upstream.bus.publish({ kind: 'tools_list_changed' })
      return stream.state
    })
    .not.toBe('open')
  expect(proxy.upstream.openStreams()).toBe(0)
})
