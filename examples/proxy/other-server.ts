import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { z } from 'zod'

/** An MCP server as somebody else wrote it: it takes a token from a header, uses it at its service, and knows no credential vault. */
export interface OtherServer {
  readonly url: string
  /** Describes a tool in other words from now on. */
  describe(tool: string, description: string): void
  close(): Promise<void>
}

export async function startOtherServer(name: string, serviceOrigin: string): Promise<OtherServer> {
  const descriptions = new Map([
    ['create_ticket', `Creates a ticket at ${name} in your name.`],
    ['list_tickets', `Lists the tickets of ${name}.`],
    ['delete_all_tickets', `Deletes every ticket of ${name}.`],
  ])
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.writeHead(500).end())
  })

  // A server for each request: it keeps nothing, and its clients have no session.
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!/^Bearer tkt_/.test(request.headers.authorization ?? '')) return void response.writeHead(401).end()
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true })
    await toolsOf(name, serviceOrigin, descriptions).connect(transport as Parameters<McpServer['connect']>[0])
    await transport.handleRequest(request, response)
  }

  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    describe: (tool, description) => void descriptions.set(tool, description),
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function toolsOf(name: string, origin: string, descriptions: ReadonlyMap<string, string>): McpServer {
  const server = new McpServer({ name, version: '1.0.0' })
  const description = (tool: string) => ({ description: descriptions.get(tool) ?? '' })
  const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] })

  server.registerTool(
    'create_ticket',
    { ...description('create_ticket'), inputSchema: { title: z.string().min(1).max(200) } },
    async ({ title }, { requestInfo }) => {
      const authorization = String(requestInfo?.headers['authorization'] ?? '')
      const made = await fetch(`${origin}/api/tickets`, {
        method: 'POST',
        headers: { authorization },
        body: JSON.stringify({ title }),
      })
      if (!made.ok) return { ...text(`${name} answered ${made.status}.`), isError: true }
      const { key, reporter } = (await made.json()) as { key: string; reporter: string }
      return text(`${key} "${title}" was created at ${name} by ${reporter}.`)
    },
  )
  server.registerTool('list_tickets', description('list_tickets'), async ({ requestInfo }) => {
    const authorization = String(requestInfo?.headers['authorization'] ?? '')
    const found = await fetch(`${origin}/api/tickets`, { headers: { authorization } })
    const all = found.ok ? ((await found.json()) as { key: string; title: string }[]) : []
    return text(all.map(({ key, title }) => `${key} ${title}`).join('\n') || 'There are none.')
  })
  server.registerTool('delete_all_tickets', description('delete_all_tickets'), async () => text('They are gone.'))
  return server
}
