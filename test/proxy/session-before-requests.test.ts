import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ProxyHarness, startProxyBefore } from '../harness/proxy/proxy-harness.ts'
import { type RepeatingServer, startRepeatingServer } from '../harness/proxy/repeating-surface.ts'

let proxy: ProxyHarness<RepeatingServer>
let client: Client
const asked: string[] = []
const heard: string[] = []

beforeAll(async () => {
  proxy = await startProxyBefore(startRepeatingServer)
  const alice = await proxy.connectAndFill('alice')
  await alice.text('who_am_i')
  client = await connect(await proxy.harness.identityProvider.issueAccessToken('alice'))
})
afterAll(async () => {
  await client.close()
  await proxy.close()
})

async function connect(token: string): Promise<Client> {
  const made = new Client(
    { name: 'of-2025', version: '1' },
    { capabilities: { sampling: {}, roots: {}, elicitation: { form: {}, url: {} } } },
  )
  made.setRequestHandler(CreateMessageRequestSchema, async () => {
    asked.push('sample')
    return { model: 'm', role: 'assistant', content: { type: 'text', text: 'Because.' } }
  })
  made.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
    asked.push(params.mode === 'url' ? `page ${params.elicitationId.length > 0}` : 'form')
    return params.mode === 'url' ? { action: 'accept' } : { action: 'accept', content: { name: 'Ada' } }
  })
  made.setRequestHandler(ListRootsRequestSchema, async () => {
    asked.push('roots')
    return { roots: [{ uri: 'file:///here', name: 'here' }] }
  })
  made.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void heard.push(`log ${params.data}`))
  made.setNotificationHandler(
    ResourceUpdatedNotificationSchema,
    ({ params }) => void heard.push(`updated ${params.uri}`),
  )
  made.setNotificationHandler(ToolListChangedNotificationSchema, () => void heard.push('tools changed'))
  const transport = new StreamableHTTPClientTransport(new URL(proxy.url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  })
  await made.connect(transport as Parameters<Client['connect']>[0])
  return made
}

async function textOf(name: string, args: Record<string, unknown> = {}): Promise<unknown> {
  const { content } = await client.callTool({ name, arguments: args })
  return Array.isArray(content) ? content[0]?.text : undefined
}

test('a client with a session is told what the server says of itself', async () => {
  expect(client.getServerVersion()).toEqual({ name: 'of-2026', version: '9.1.0' })
  expect(client.getInstructions()).toBe('Ask it anything.')
  expect((await client.listTools()).tools.map(({ name }) => name)).toContain('at_once')
  expect(await client.ping()).toEqual({})
})

test.each([
  ['elicit', ['form'], 'Ada'],
  ['page', ['page true'], 'accept'],
  ['sample', ['sample'], 'Because.'],
  ['roots', ['roots'], 'file:///here'],
  ['at_once', ['form', 'roots', 'sample'], 'Because.'],
])(
  "the server's question in %s becomes a request, and its result comes once it is answered",
  async (name, kinds, text) => {
    asked.length = 0
    expect(await textOf(name)).toContain(text)
    expect([...asked].sort()).toEqual(kinds)
  },
)

test('questions in several rounds are asked one after another, and rounds without a question cost the client nothing', async () => {
  asked.length = 0
  expect(await textOf('twice', { what: 'now' })).toContain('["now",2')
  expect(asked).toEqual(['form', 'form'])
  expect(await textOf('again')).toBe('at last')
  expect(asked).toHaveLength(2)
})

test('a prompt and a resource ask as well', async () => {
  asked.length = 0
  expect(JSON.stringify(await client.getPrompt({ name: 'asking' }))).toContain('Ada')
  expect(JSON.stringify(await client.readResource({ uri: 'ask://one' }))).toContain('Ada')
  expect(asked).toEqual(['form', 'form'])
})

test('an argument that the server wants in a header too is sent there, also before the tools were listed', async () => {
  expect(await textOf('in_headers', { region: 'Ö 1' })).toBe('Ö 1')
  expect(await textOf('in_headers', { region: 'north' })).toBe('north')
  expect(proxy.upstream.received.at(-1)?.headers['mcp-param-region']).toBe('north')
})

test('progress, logs, updates and changed lists arrive as in a session', async () => {
  const steps: number[] = []
  await client.callTool({ name: 'progress' }, undefined, { onprogress: ({ progress }) => void steps.push(progress) })
  expect(steps).toEqual([1, 2, 3])
  await client.setLoggingLevel('warning')
  await client.callTool({ name: 'log' })
  await expect.poll(() => heard).toContain('log to whom it may concern')
  await expect.poll(() => proxy.upstream.openStreams()).toBeGreaterThan(0)
  await client.subscribeResource({ uri: 'note://one' })
  await client.callTool({ name: 'update' })
  await expect.poll(() => heard).toContain('updated note://one')
  expect(heard).toContain('tools changed')
  await client.unsubscribeResource({ uri: 'note://one' })
})

test("results are those of the client's revision", async () => {
  expect(await client.callTool({ name: 'who_am_i' })).toEqual({ content: [{ type: 'text', text: 'You are alice' }] })
  const missing = client.readResource({ uri: 'note://none' })
  await expect(missing).rejects.toMatchObject({ code: -32_002 })
  const { body } = proxy.upstream.received.findLast((one) => one.body.includes('who_am_i')) ?? { body: '{}' }
  expect(JSON.parse(body).params._meta['io.modelcontextprotocol/clientInfo']).toEqual({ name: 'of-2025', version: '1' })
})

test('a client that is gone cancels the call at the server', async () => {
  const given = new AbortController()
  const call = client.callTool({ name: 'elicit' }, undefined, { signal: given.signal })
  given.abort()
  await expect(call).rejects.toThrow()
  expect(await textOf('who_am_i')).toBe('You are alice')
})
