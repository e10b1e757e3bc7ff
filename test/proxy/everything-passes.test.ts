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
  const direct = await transcript(proxy.upstream.url, TOKENS.alice)
  expect(await transcript(proxy.upstream.url, TOKENS.alice)).toEqual(direct)
  expect(await transcript(proxy.url, await proxy.harness.identityProvider.issueAccessToken('alice'))).toEqual(direct)
})

function transcript(url: string, token: string): Promise<readonly unknown[]> {
  const streams = () => proxy.upstream.received.filter(({ method }) => method === 'GET').length
  const before = streams()
  return transcriptOf(url, token, () => expect.poll(streams).toBe(before + 1))
}
