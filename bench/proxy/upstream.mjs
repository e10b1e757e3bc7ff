// A small MCP server on the SDK, for the bench of the proxy: over Streamable HTTP, or over stdio. `whose` answers with the end of its token.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'

function makeServer(tokenOf) {
  const server = new McpServer({ name: 'bench-upstream', version: '1.0.0' })
  server.registerTool('whose', {}, async (extra) => ({
    content: [{ type: 'text', text: (tokenOf(extra) ?? '').slice(-4) }],
  }))
  return server
}

const port = process.argv[2]
if (port === undefined) await makeServer(() => process.env.TOKEN).connect(new StdioServerTransport())
else await serveHttp(Number(port))

async function serveHttp(at) {
  const transports = new Map()
  const open = async () => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => transports.set(id, transport),
    })
    await makeServer(({ requestInfo }) => requestInfo?.headers.authorization).connect(transport)
    return transport
  }
  const server = createServer(async (request, response) => {
    const transport = transports.get(request.headers['mcp-session-id']) ?? (await open())
    await transport.handleRequest(request, response)
    if (request.method === 'DELETE') transports.delete(request.headers['mcp-session-id'])
  })
  await new Promise((resolve) => server.listen(at, '127.0.0.1', resolve))
  console.log('ready')
}
