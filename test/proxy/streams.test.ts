import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { eventReader } from '../harness/proxy/event-reader.ts'
import { memoryEventStore } from '../harness/proxy/event-store.ts'
import { type ProxyHarness, startProxyHarness } from '../harness/proxy/proxy-harness.ts'
import { openRawClient, rpc } from '../harness/proxy/raw-client.ts'

let proxy: ProxyHarness
/** The same upstream, with a store of its events. */
let resumable: ProxyHarness
let token: string
let go: () => void
let wait: Promise<void>
const aborted: string[] = []

beforeAll(async () => {
  proxy = await startProxyHarness({ upstream: { register } })
  resumable = await startProxyHarness({ upstream: { register, eventStore: memoryEventStore } })
  for (const one of [proxy, resumable]) await (await one.connectAndFill('alice')).text('who_am_i')
  token = await proxy.harness.identityProvider.issueAccessToken('alice')
})
beforeEach(() => {
  wait = new Promise((resolve) => {
    go = resolve
  })
})
afterAll(async () => {
  await proxy.close()
  await resumable.close()
})

function register(server: McpServer): void {
  server.registerTool('steps', {}, async (extra) => {
    const progressToken = extra._meta?.progressToken ?? 0
    extra.signal.addEventListener('abort', () => aborted.push(String(extra.requestId)))
    await extra.sendNotification({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
    await Promise.race([wait, new Promise((resolve) => extra.signal.addEventListener('abort', resolve))])
    return { content: [{ type: 'text', text: 'all steps done' }] }
  })
  server.registerTool('sample', {}, async (extra) => {
    const params = {
      messages: [{ role: 'user' as const, content: { type: 'text' as const, text: 'Why?' } }],
      maxTokens: 5,
    }
    await extra.sendRequest({ method: 'sampling/createMessage', params }, z.unknown() as never)
    return { content: [{ type: 'text', text: 'sampled' }] }
  })
}

const STEPS = rpc(5, 'tools/call', { name: 'steps', arguments: {}, _meta: { progressToken: 'p' } })

function post(url: string, sessionId: string, body: object, signal?: AbortSignal, bearer = token): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${bearer}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-session-id': sessionId,
    },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  })
}

test('each event reaches the client while the call still runs', async () => {
  const alice = await proxy.connect('alice')
  const text = await alice.text('steps', { onprogress: () => go() })
  expect(text).toEqual({ text: 'all steps done', isError: false })
})

test('a client that disconnects cancels its call at the upstream', async () => {
  const { sessionId } = await openRawClient(proxy.url, token)
  const gone = new AbortController()
  const reader = eventReader(await post(proxy.url, sessionId, { ...STEPS, id: 'gone' }, gone.signal))
  expect(await reader.next()).toContain('notifications/progress')
  gone.abort()
  await expect.poll(() => aborted).toContain('gone')
})

test('a client that cancels its call cancels it at the upstream, and the session goes on', async () => {
  const alice = await proxy.connect('alice')
  const cancel = new AbortController()
  const call = alice.text('steps', { onprogress: () => cancel.abort('enough'), signal: cancel.signal })
  await expect(call).rejects.toThrow('enough')
  await expect
    .poll(() => proxy.upstream.received.some(({ body }) => body.includes('cancelled') && body.includes('enough')))
    .toBe(true)
  expect((await alice.text('who_am_i')).text).toBe('You are alice')
})

test('a stream that broke off is taken up again with Last-Event-ID, and its call was not cancelled', async () => {
  const bearer = await resumable.harness.identityProvider.issueAccessToken('alice')
  const { sessionId } = await openRawClient(resumable.url, bearer)
  const gone = new AbortController()
  const reader = eventReader(await post(resumable.url, sessionId, { ...STEPS, id: 'taken up' }, gone.signal, bearer))
  let event = await reader.next()
  while (event !== undefined && !event.includes('notifications/progress')) event = await reader.next()
  const id = /^id: (.+)$/m.exec(event ?? '')?.[1] ?? ''
  expect(id).not.toBe('')
  gone.abort()
  go()
  const again = await fetch(resumable.url, {
    headers: {
      authorization: `Bearer ${bearer}`,
      accept: 'text/event-stream',
      'mcp-session-id': sessionId,
      'last-event-id': id,
    },
  })
  expect(await eventReader(again).next()).toContain('all steps done')
  await again.body?.cancel().catch(() => undefined)
  expect(aborted).not.toContain('taken up')
})

test('standing streams take no places of calls: with forty of them open, Alice still calls', async () => {
  const streams = () => proxy.upstream.received.filter(({ method }) => method === 'GET').length
  const before = streams()
  const clients = await Promise.all(Array.from({ length: 40 }, () => proxy.connect('alice')))
  await expect.poll(streams).toBeGreaterThanOrEqual(before + 40)
  const texts = await Promise.all(clients.map((client) => client.text('who_am_i')))
  expect(texts.map(({ text }) => text)).toEqual(clients.map(() => 'You are alice'))
})

test('as many calls as a user has places can all be answered a question', async () => {
  const asker = await openSampling()
  const results = await Promise.all(Array.from({ length: 40 }, () => asker.callTool({ name: 'sample' })))
  expect(results.map(({ content }) => JSON.stringify(content))).toEqual(
    results.map(() => JSON.stringify([{ type: 'text', text: 'sampled' }])),
  )
  await asker.close()
})

async function openSampling() {
  const client = new Client({ name: 'sampler', version: '1' }, { capabilities: { sampling: {} } })
  client.setRequestHandler(CreateMessageRequestSchema, async () => ({
    model: 'm',
    role: 'assistant' as const,
    content: { type: 'text' as const, text: 'Because.' },
  }))
  const transport = new StreamableHTTPClientTransport(new URL(proxy.url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  })
  await client.connect(transport as Parameters<typeof client.connect>[0])
  return client
}

test('when the proxy ends, so do its sessions and streams at the upstream', async () => {
  const own = await startProxyHarness()
  await (await own.connectAndFill('alice')).text('who_am_i')
  await expect.poll(() => own.upstream.openStreams()).toBe(1)
  expect(own.upstream.sessions()).toHaveLength(1)
  await own.harness.vault.close()
  await expect.poll(() => own.upstream.openStreams()).toBe(0)
  expect(own.upstream.sessions()).toEqual([])
  await own.close()
})
