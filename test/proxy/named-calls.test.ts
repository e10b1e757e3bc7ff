import { afterAll, beforeAll, expect, test } from 'vitest'
import { fillIn } from '../harness/mcp-harness.ts'
import { type ProxyHarness, startProxyBefore, startProxyHarness, TOKENS } from '../harness/proxy/proxy-harness.ts'
import { connectRepeating } from '../harness/proxy/repeating-client.ts'
import { startRepeatingServer } from '../harness/proxy/repeating-surface.ts'
import { registerWholeSurface } from '../harness/proxy/whole-surface.ts'

let proxies: readonly ProxyHarness<{ close(): Promise<void> }>[]

beforeAll(async () => {
  proxies = await Promise.all([
    startProxyBefore(startRepeatingServer),
    startProxyHarness({ upstream: { register: registerWholeSurface } }),
  ])
})
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()))
})

test('the log names what was asked for: a tool, a prompt of its name, a resource without its URI', async () => {
  for (const { harness, url } of proxies) {
    const token = await harness.identityProvider.issueAccessToken('alice')
    const { client } = await connectRepeating(url, token, async (link) => {
      await fillIn(link, 'alice', { pat: TOKENS.alice })
    })
    await client.getPrompt({ name: 'greet', arguments: { who: 'Ada' } })
    await client.readResource({ uri: 'note://one' })
    await client.callTool({ name: 'who_am_i' })
    await client.close()
    const named = harness.audit.events.filter(({ type }) => type === 'credential.resolved').map(({ tool }) => tool)
    for (const one of ['prompt greet', 'resource', 'who_am_i']) expect(named).toContain(one)
    expect(JSON.stringify(harness.audit.events)).not.toContain('note://')
    const requested = harness.audit.events.filter(({ type }) => type === 'credential.requested')
    expect(requested.map(({ tool }) => tool)).toEqual(['prompt greet'])
  }
})
