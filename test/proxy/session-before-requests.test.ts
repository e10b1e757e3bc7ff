import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ProxyHarness, startProxyBefore } from '../harness/proxy/proxy-harness.ts'
import { type RepeatingServer, startRepeatingServer } from '../harness/proxy/repeating-surface.ts'
import { transcriptOf } from '../harness/proxy/whole-surface.ts'

let proxy: ProxyHarness<RepeatingServer>

beforeAll(async () => {
  proxy = await startProxyBefore(startRepeatingServer)
  await (await proxy.connectAndFill('alice')).text('who_am_i')
})
afterAll(() => proxy.close())

test('trial', async () => {
  const token = await proxy.harness.identityProvider.issueAccessToken('alice')
  const seen = await transcriptOf(proxy.url, token, () => expect.poll(() => proxy.upstream.openStreams()).toBe(1))
  console.log(JSON.stringify(seen, null, 1))
})
