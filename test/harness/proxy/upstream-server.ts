import { randomUUID } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { type EventStore, StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { z } from 'zod'

/** Somebody else's MCP server, which takes its token from a header of each request and knows nothing of us. */
export interface UpstreamServer {
  readonly url: string
  readonly received: readonly ReceivedRequest[]
  /** Ids of its open sessions. */
  sessions(): readonly string[]
  /** How many standing streams are open. */
  openStreams(): number
  /** Ends a session as a restart would: its id is unknown from now on. */
  forgetSessions(): void
  close(): Promise<void>
}

export interface ReceivedRequest {
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface UpstreamServerOptions {
  /** Where its tools act, with the token that came. */
  readonly serviceOrigin: string
  /** Header that carries the token. Default `authorization`, with Bearer. */
  readonly header?: string
  readonly register?: (server: McpServer) => void
  /** Answers before MCP does. Returns whether it did. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse, body: string) => boolean | Promise<boolean>
  readonly eventStore?: () => EventStore
  readonly jsonAnswers?: boolean
}

export async function startUpstreamServer(options: UpstreamServerOptions): Promise<UpstreamServer> {
  const { serviceOrigin, header = 'authorization' } = options
  const received: ReceivedRequest[] = []
  let streams = 0
  const transports = new Map<string, StreamableHTTPServerTransport>()

  async function open(): Promise<StreamableHTTPServerTransport> {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void transports.set(id, transport),
      enableJsonResponse: options.jsonAnswers ?? false,
      ...(options.eventStore && { eventStore: options.eventStore() }),
    })
    await makeServer(options, serviceOrigin, header).connect(transport as Parameters<McpServer['connect']>[0])
    return transport
  }

  const server = createServer(async (request, response) => {
    const body = await textOf(request)
    received.push({ method: request.method ?? '', headers: request.headers, body })
    if (request.method === 'GET') {
      streams += 1
      response.once('close', () => {
        streams -= 1
      })
    }
    if (await options.intercept?.(request, response, body)) return
    if (tokenIn(request.headers, header) === '') return void response.writeHead(401).end()
    const id = request.headers['mcp-session-id']
    const transport = typeof id === 'string' ? transports.get(id) : await open()
    if (!transport) return void response.writeHead(404).end()
    await transport.handleRequest(request, response, body === '' ? undefined : JSON.parse(body))
    if (request.method === 'DELETE' && typeof id === 'string') transports.delete(id)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    received,
    sessions: () => [...transports.keys()],
    openStreams: () => streams,
    forgetSessions: () => transports.clear(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function makeServer({ register }: UpstreamServerOptions, serviceOrigin: string, header: string): McpServer {
  const server = new McpServer({ name: 'somebody-elses', version: '3.2.1' }, { capabilities: { logging: {} } })
  server.registerTool('who_am_i', { inputSchema: { note: z.string().optional() } }, async ({ note }, extra) => {
    const authorization = `Bearer ${tokenIn(extra.requestInfo?.headers ?? {}, header)}`
    const answer = await fetch(`${serviceOrigin}/${note ?? 'who'}`, { headers: { authorization } })
    const text = answer.ok ? `You are ${await answer.text()}` : `The service answered ${answer.status}`
    return { content: [{ type: 'text', text }], isError: !answer.ok }
  })
  register?.(server)
  return server
}

export function tokenIn(headers: Readonly<Record<string, string | string[] | undefined>>, header = 'authorization') {
  const value = headers[header]
  return typeof value === 'string' ? value.replace(/^Bearer /, '') : ''
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
