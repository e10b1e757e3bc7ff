import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import type { ReadableStream as WebStream } from 'node:stream/web'
import {
  completable,
  createMcpHandler,
  createRequestStateCodec,
  InMemoryServerEventBus,
  inputRequired,
  inputResponse,
  McpServer,
  ResourceTemplate,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import type { ReceivedRequest } from './upstream-server.ts'

/** Somebody else's server of MCP 2026-07-28 alone, which takes its token from a header and knows nothing of us. */
export interface RepeatingServer {
  readonly url: string
  readonly received: readonly ReceivedRequest[]
  /** How many streams of `subscriptions/listen` are open. */
  openStreams(): number
  readonly bus: InMemoryServerEventBus
  close(): Promise<void>
}

export async function startRepeatingServer(serviceOrigin: string): Promise<RepeatingServer> {
  const bus = new InMemoryServerEventBus()
  const received: ReceivedRequest[] = []
  const states = createRequestStateCodec<{ step: number }>({ key: randomBytes(32) })
  let streams = 0
  const handler = createMcpHandler(() => makeServer(serviceOrigin, bus, states), { legacy: 'reject', bus })
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString('utf8')
    received.push({ method: request.method ?? '', headers: request.headers, body })
    if (request.headers.authorization === undefined) return void response.writeHead(401).end()
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
      typeof value === 'string' ? [[name, value]] : [],
    )
    const method = request.method ?? 'GET'
    const answer = await handler.fetch(
      new Request(`http://127.0.0.1${request.url}`, {
        ...{ method, headers, signal: gone.signal },
        ...(method === 'POST' && { body }),
      }),
    )
    if (body.includes('"subscriptions/listen"')) {
      streams += 1
      response.once('close', () => {
        streams -= 1
      })
    }
    response.writeHead(answer.status, Object.fromEntries(answer.headers))
    response.flushHeaders()
    if (answer.body)
      Readable.fromWeb(answer.body as WebStream)
        .on('error', () => undefined)
        .pipe(response)
    else response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    received,
    openStreams: () => streams,
    bus,
    async close() {
      await handler.close()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}

type States = ReturnType<typeof createRequestStateCodec<{ step: number }>>

function makeServer(serviceOrigin: string, bus: InMemoryServerEventBus, states: States): McpServer {
  const server = new McpServer(
    { name: 'of-2026', version: '9.1.0' },
    {
      capabilities: {
        logging: {},
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
      },
      instructions: 'Ask it anything.',
      requestState: { verify: states.verify },
    },
  )
  server.registerTool('who_am_i', {}, async ({ http }) => {
    const authorization = http?.req?.headers.get('authorization') ?? ''
    const answer = await fetch(`${serviceOrigin}/who`, { headers: { authorization } })
    return text(answer.ok ? `You are ${await answer.text()}` : `The service answered ${answer.status}`)
  })
  offerAsking(server, states)
  offerTelling(server, bus)
  server.registerResource('note', 'note://one', { mimeType: 'text/plain' }, async (uri) => ({
    contents: [{ uri: uri.href, text: 'a note' }],
  }))
  server.registerResource(
    'page',
    new ResourceTemplate('page://{name}', { list: undefined, complete: { name: () => ['first', 'second'] } }),
    {},
    async (uri, { name }) => ({ contents: [{ uri: uri.href, text: `page ${name}` }] }),
  )
  const who = completable(z.string(), (value) => ['Ada', 'Alan'].filter((name) => name.startsWith(value)))
  server.registerPrompt('greet', { argsSchema: z.object({ who }) }, ({ who: name }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `Greet ${name}` } }],
  }))
  server.registerPrompt('asking', {}, ({ mcpReq }) => {
    const given = inputResponse(mcpReq.inputResponses, 'which')
    if (given.kind === 'missing') return inputRequired({ inputRequests: { which: form('Which one?') } })
    return { messages: [{ role: 'user', content: { type: 'text', text: JSON.stringify(given) } }] }
  })
  server.registerResource('asking', 'ask://one', {}, (uri, { mcpReq }) => {
    const given = inputResponse(mcpReq.inputResponses, 'which')
    if (given.kind === 'missing') return inputRequired({ inputRequests: { which: form('Which one?') } })
    return { contents: [{ uri: uri.href, text: JSON.stringify(given) }] }
  })
  return server
}

const text = (value: unknown) => ({
  content: [{ type: 'text' as const, text: typeof value === 'string' ? value : JSON.stringify(value) }],
})

const form = (message: string) =>
  inputRequired.elicit({
    message,
    requestedSchema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
  })

/** Tools that ask by their result: a form, a page, a sample, roots, several at once, and twice with a state of their own. */
function offerAsking(server: McpServer, states: States): void {
  const asks = {
    elicit: () => form('Which one?'),
    page: () => inputRequired.elicitUrl({ message: 'Open it.', url: 'https://example.com/consent' }),
    sample: () =>
      inputRequired.createMessage({
        messages: [{ role: 'user', content: { type: 'text', text: 'Why?' } }],
        maxTokens: 5,
      }),
    roots: () => inputRequired.listRoots(),
  }
  for (const [name, ask] of Object.entries(asks))
    server.registerTool(name, {}, ({ mcpReq }) => {
      const given = inputResponse(mcpReq.inputResponses, 'it')
      return given.kind === 'missing' ? inputRequired({ inputRequests: { it: ask() } }) : text(given)
    })
  server.registerTool('at_once', {}, ({ mcpReq }) => {
    const { inputResponses } = mcpReq
    if (inputResponses) return text(inputResponses)
    return inputRequired({ inputRequests: { a: asks.elicit(), b: asks.sample(), c: asks.roots() } })
  })
  server.registerTool('twice', { inputSchema: z.object({ what: z.string() }) }, async ({ what }, { mcpReq }) => {
    const step = mcpReq.requestState<{ step: number }>()?.step ?? 0
    if (step === 2) return text([what, step, mcpReq.inputResponses])
    return inputRequired({
      inputRequests: { [`step${step}`]: form(`Step ${step}?`) },
      requestState: await states.mint({ step: step + 1 }),
    })
  })
  server.registerTool('again', {}, async ({ mcpReq }) => {
    const step = mcpReq.requestState<{ step: number }>()?.step ?? 0
    return step === 2 ? text('at last') : inputRequired({ requestState: await states.mint({ step: step + 1 }) })
  })
}

function offerTelling(server: McpServer, bus: InMemoryServerEventBus): void {
  server.registerTool('progress', {}, async ({ mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken
    for (const progress of [1, 2, 3])
      if (progressToken !== undefined)
        await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total: 3 } })
    return text('done')
  })
  server.registerTool('log', {}, async ({ mcpReq }) => {
    await mcpReq.log('warning', 'to whom it may concern')
    return text('logged')
  })
  server.registerTool('update', {}, async () => {
    bus.publish({ kind: 'resource_updated', uri: 'note://one' })
    bus.publish({ kind: 'tools_list_changed' })
    return text('updated')
  })
  server.registerTool('fail', {}, async () => {
    throw new Error('it broke')
  })
  server.registerTool(
    'in_headers',
    { inputSchema: z.object({ region: z.string().meta({ 'x-mcp-header': 'Region' }) }) },
    ({ region }) => text(region),
  )
}
