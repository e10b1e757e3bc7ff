import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ProxyHarness, startProxyHarness } from '../harness/proxy/proxy-harness.ts'
import { connectRepeating } from '../harness/proxy/repeating-client.ts'
import { registerWholeSurface } from '../harness/proxy/whole-surface.ts'

let proxy: ProxyHarness

beforeAll(async () => {
  proxy = await startProxyHarness({ upstream: { register: registerWholeSurface } })
  await (await proxy.connectAndFill('alice')).text('who_am_i')
})
afterAll(() => proxy.close())

test('a client of MCP 2026-07-28 uses a server of 2025-11-25, whose questions come by results', async () => {
  const token = await proxy.harness.identityProvider.issueAccessToken('alice')
  const { client, asked } = await connectRepeating(proxy.url, token)
  expect(client.getServerVersion()).toEqual({ name: 'somebody-elses', version: '3.2.1' })
  const call = async (name: string) => (await client.callTool({ name, arguments: {} })).content
  expect(await call('who_am_i')).toEqual([{ type: 'text', text: 'You are alice' }])
  expect(await call('elicit')).toEqual([
    { type: 'text', text: JSON.stringify({ action: 'accept', content: { name: 'this one' } }) },
  ])
  expect(await call('sample')).toEqual([{ type: 'text', text: expect.stringContaining('Because.') }])
  expect(await call('roots')).toEqual([{ type: 'text', text: expect.stringContaining('file:///here') }])
  expect(asked.map(({ method }) => method)).toEqual(['elicitation/create', 'sampling/createMessage', 'roots/list'])
  await client.close()
})
