import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ProxyHarness, startProxyHarness, TOKENS } from '../../harness/proxy/proxy-harness.ts'
import { tokenIn } from '../../harness/proxy/upstream-server.ts'
import { registerWholeSurface } from '../../harness/proxy/whole-surface.ts'

/** A list that is asked for without the user's key, or with somebody else's, shows too little or too much. */
let proxy: ProxyHarness

beforeAll(async () => {
  proxy = await startProxyHarness({ upstream: { register: registerWholeSurface } })
})
afterAll(() => proxy.close())

test('every list of a user who has connected goes to the upstream with the same token as their calls', async () => {
  for (const user of ['alice', 'bob'] as const) {
    const { client, text } = await proxy.connectAndFill(user)
    await text('who_am_i')
    const from = proxy.upstream.received.length
    expect((await client.listTools()).tools.length).toBeGreaterThan(5)
    expect((await client.listPrompts()).prompts).toHaveLength(1)
    expect((await client.listResources()).resources).toHaveLength(1)
    expect((await client.listResourceTemplates()).resourceTemplates).toHaveLength(1)
    const asked = proxy.upstream.received.slice(from).filter(({ body }) => body.includes('/list'))
    expect(asked).toHaveLength(4)
    expect(asked.map(({ headers }) => tokenIn(headers))).toEqual(Array(4).fill(TOKENS[user]))
  }
})

test('a list before a credential asks nobody, sends nothing, and is there right after the form', async () => {
  await proxy.harness.forget('alice', 'gitlab')
  const { client, text, links } = await proxy.connectAndFill('alice')
  const before = proxy.upstream.received.length
  expect((await client.listTools()).tools).toEqual([])
  expect(proxy.upstream.received).toHaveLength(before)
  expect(links).toEqual([])
  await text('who_am_i')
  expect((await client.listTools()).tools.length).toBeGreaterThan(5)
})
