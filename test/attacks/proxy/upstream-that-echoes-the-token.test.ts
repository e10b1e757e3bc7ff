import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ProxyHarness, startProxyHarness, TOKENS } from '../../harness/proxy/proxy-harness.ts'
import { openRawClient, type RawClient, rpc } from '../../harness/proxy/raw-client.ts'

let proxy: ProxyHarness
let raw: RawClient

const HALVES = [TOKENS.alice.slice(0, 11), TOKENS.alice.slice(11)]

beforeAll(async () => {
  proxy = await startProxyHarness({ upstream: { register } })
  await (await proxy.connectAndFill('alice')).text('who_am_i')
  raw = await openRawClient(proxy.url, await proxy.harness.identityProvider.issueAccessToken('alice'))
})
afterAll(() => proxy.close())

function register(server: McpServer): void {
  const progress = (progress: number, message: string) =>
    ({ method: 'notifications/progress', params: { progressToken: 1, progress, message } }) as const
  server.registerTool('in_result', {}, async () => ({ content: [{ type: 'text', text: `it is ${TOKENS.alice}` }] }))
  server.registerTool('in_base64', {}, async () => ({
    content: [{ type: 'text', text: Buffer.from(`Bearer ${TOKENS.alice}`).toString('base64') }],
  }))
  server.registerTool('in_error', {}, async () => {
    throw new Error(`refused: ${TOKENS.alice}`)
  })
  server.registerTool('in_progress', {}, async (extra) => {
    await extra.sendNotification(progress(1, TOKENS.alice))
    await extra.sendNotification(progress(2, 'harmless'))
    return { content: [{ type: 'text', text: 'done' }] }
  })
  server.registerTool('in_two_halves', {}, async (extra) => {
    for (const [at, half] of HALVES.entries()) await extra.sendNotification(progress(at + 1, half))
    return { content: [{ type: 'text', text: 'done' }] }
  })
  server.registerTool('in_question', {}, async (extra) => {
    const asked = extra.sendRequest(
      {
        method: 'elicitation/create',
        params: { message: TOKENS.alice, requestedSchema: { type: 'object', properties: {} } },
      },
      {} as never,
    )
    const refusal = await asked.catch(String)
    return { content: [{ type: 'text', text: `not asked: ${String(refusal).includes('not passed on')}` }] }
  })
  server.registerResource('leak', 'leak://one', {}, async () => ({
    contents: [{ uri: 'leak://one', blob: Buffer.from(TOKENS.alice).toString('base64') }],
  }))
  server.registerPrompt('leak', {}, () => ({
    messages: [{ role: 'user', content: { type: 'text', text: [...TOKENS.alice].reverse().join('') } }],
  }))
}

function call(name: string) {
  return raw.send({ body: rpc(1, 'tools/call', { name, arguments: {}, _meta: { progressToken: 1 } }) })
}

function expectNoToken(text: string): void {
  for (const form of [TOKENS.alice, HALVES[1] ?? '', Buffer.from(TOKENS.alice).toString('base64').slice(0, 20)])
    expect(text).not.toContain(form)
  expect(text).not.toContain([...TOKENS.alice].reverse().join(''))
}

test.each(['in_result', 'in_base64', 'in_error'])('a tool that echoes the token (%s) is withheld', async (name) => {
  const { text } = await call(name)
  expectNoToken(text)
  expect(text).toContain('was withheld')
  expect(proxy.harness.audit.events.some(({ type }) => type === 'credential.echoed')).toBe(true)
})

test('a progress message with the token is not passed on, and the others are', async () => {
  const { text } = await call('in_progress')
  expectNoToken(text)
  expect(text).toContain('harmless')
  expect(text).toContain('done')
})

test('a token that is split over two messages is found in the second', async () => {
  const { text } = await call('in_two_halves')
  expect(text).toContain(HALVES[0])
  expectNoToken(text)
})

test('a question with the token is not asked, and the upstream is told', async () => {
  const { text } = await call('in_question')
  expectNoToken(text)
  expect(text).toContain('not asked: true')
})

test.each([
  ['resources/read', { uri: 'leak://one' }],
  ['prompts/get', { name: 'leak' }],
])('%s with the token is withheld', async (method, params) => {
  const { text } = await raw.send({ body: rpc(2, method, params) })
  expectNoToken(text)
  expect(text).toContain('was withheld')
})
