import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ProxyHarness, startProxyHarness } from '../harness/proxy/proxy-harness.ts'
import { connectRepeating } from '../harness/proxy/repeating-client.ts'
import { registerWholeSurface } from '../harness/proxy/whole-surface.ts'
import { rawLeg } from '../harness/sdk-v2.ts'

let proxy: ProxyHarness

beforeAll(async () => {
  proxy = await startProxyHarness({
    upstream: {
      register(server) {
        registerWholeSurface(server)
        server.registerTool('beside', {}, async () => {
          // On the session's standing stream, as servers do that do not name the call.
          const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: 'Why?' } }]
          const given = await server.server.createMessage({ messages, maxTokens: 5 }).catch(String)
          return { content: [{ type: 'text', text: JSON.stringify(given) }] }
        })
      },
    },
  })
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

test('a question on the standing stream belongs to the only call that runs', async () => {
  const token = await proxy.harness.identityProvider.issueAccessToken('alice')
  const { client, asked } = await connectRepeating(proxy.url, token)
  const { content } = await client.callTool({ name: 'beside' })
  expect(JSON.stringify(content)).toContain('Because.')
  expect(asked.map(({ method }) => method)).toEqual(['sampling/createMessage'])
  await client.close()
})

test('with two calls at once, such a question is refused, because nothing says whose it is', async () => {
  const token = await proxy.harness.identityProvider.issueAccessToken('alice')
  const capabilities = { sampling: {}, elicitation: { form: {} } }
  const waiting = await rawLeg(proxy.url, token, { tool: 'elicit', capabilities })
  expect(waiting.result?.inputRequests?.['upstream']).toBeDefined()
  const { result } = await rawLeg(proxy.url, token, { tool: 'beside', capabilities })
  expect(result?.content?.[0]?.text).toContain('exactly one call')
  const { requestState } = waiting.result ?? {}
  await rawLeg(proxy.url, token, {
    tool: 'elicit',
    capabilities,
    requestState,
    inputResponses: { upstream: { action: 'decline' } },
  })
})

test('progress has the token of the leg, and logs come only to a request that wants them', async () => {
  const token = await proxy.harness.identityProvider.issueAccessToken('alice')
  const answered = await rawLeg(proxy.url, token, { tool: 'progress', progressToken: 'mine' })
  expect(answered.result).toMatchObject({ resultType: 'complete', content: [{ text: JSON.stringify('done') }] })
  const { client } = await connectRepeating(proxy.url, token)
  const steps: number[] = []
  await client.callTool({ name: 'progress' }, { onprogress: ({ progress }) => void steps.push(progress) })
  expect(steps).toEqual([1, 2, 3])
  const logs: unknown[] = []
  client.setNotificationHandler('notifications/message', ({ params }) => void logs.push(params.data))
  await client.callTool({ name: 'log' })
  expect(logs).toEqual([])
  const wanted = { _meta: { 'io.modelcontextprotocol/logLevel': 'debug' } }
  await expect
    .poll(async () => {
      await client.callTool({ name: 'log', ...wanted } as never)
      return logs
    })
    .toContain('to whom it may concern')
  await client.close()
})

test('prompts, resources, completions, unknown methods and errors pass, in the newer form', async () => {
  const token = await proxy.harness.identityProvider.issueAccessToken('alice')
  const { client } = await connectRepeating(proxy.url, token)
  expect((await client.listTools()).tools.map(({ name }) => name)).toContain('elicit')
  expect((await client.getPrompt({ name: 'greet', arguments: { who: 'Ada' } })).messages).toHaveLength(1)
  expect((await client.readResource({ uri: 'note://one' })).contents).toHaveLength(1)
  await expect(client.readResource({ uri: 'note://none' })).rejects.toMatchObject({ code: -32_602 })
  const ref = { type: 'ref/prompt' as const, name: 'greet' }
  expect((await client.complete({ ref, argument: { name: 'who', value: 'A' } })).completion.values).toEqual([
    'Ada',
    'Alan',
  ])
  const unknown = await rawLeg(proxy.url, token, { method: 'x-unknown/method' as never, tool: 'x' })
  expect(unknown.error?.code).toBe(-32_601)
  await client.close()
})
