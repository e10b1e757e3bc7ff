import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type ProxyHarness, startProxyHarness, TOKENS } from '../harness/proxy/proxy-harness.ts'
import { registerWholeSurface, transcriptOf } from '../harness/proxy/whole-surface.ts'

let proxy: ProxyHarness

beforeAll(async () => {
  proxy = await startProxyHarness({ upstream: { register: registerWholeSurface } })
})
afterEach(() => proxy.harness.forget('alice', 'gitlab'))
afterAll(() => proxy.close())

test('a client sees through the proxy what it sees directly: results, questions, progress, logs, updates, errors', async () => {
  const alice = await proxy.connectAndFill('alice')
  await alice.text('who_am_i')
  const [direct, again] = [await transcriptOf(proxy.upstream.url, TOKENS.alice), await transcriptOf(proxy.upstream.url, TOKENS.alice)]
  expect(again).toEqual(direct)
  const token = await proxy.harness.identityProvider.issueAccessToken('alice')
  expect(await transcriptOf(proxy.url, token)).toEqual(direct)
})
