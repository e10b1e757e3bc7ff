import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import Koa from 'koa'
import { type CredentialHandle, CredentialsProvider, oidc, openVault, sealedFile } from 'mcp-credential-vault'
import { credentialGate, mcpMount } from 'mcp-credential-vault/mcp/sdk-v1'
import { z } from 'zod'

const { BASE_URL = '', PORT = '8005', ISSUER = '', TICKETS_URL = '', WIKI_URL = '' } = process.env

const vault = await openVault({
  serverBaseUrl: BASE_URL,
  backend: sealedFile({ folder: './data' }),
  identity: oidc({ issuer: ISSUER, clientId: 'mcp-form', scopes: ['mcp'] }),
})
const variables = { pat: { label: 'Personal access token', type: 'password' } } as const
const header = { scheme: 'Bearer', field: 'pat' } as const
const tickets = new CredentialsProvider({
  vault,
  name: 'tickets',
  variables,
  destinations: [{ origin: TICKETS_URL, header }],
})
const wiki = new CredentialsProvider({ vault, name: 'wiki', variables, destinations: [{ origin: WIKI_URL, header }] })

function createServer(options: ConstructorParameters<typeof McpServer>[1]): McpServer {
  const server = new McpServer({ name: 'office', version: '1.0.0' }, options)
  const requireCredentials = credentialGate(server)
  server.registerTool(
    'create_ticket',
    { inputSchema: { title: z.string() } },
    requireCredentials(tickets, { tool: 'create_ticket' }, async ({ title }, extra) => {
      const text = await send(tickets.getCredentials(extra), title)
      return { content: [{ type: 'text', text }] }
    }),
  )
  // Both credentials in one tool: the outer gate asks first.
  server.registerTool(
    'report_and_ticket',
    { inputSchema: { title: z.string() } },
    requireCredentials(
      tickets,
      { tool: 'report_and_ticket' },
      requireCredentials(wiki, { tool: 'report_and_ticket' }, async ({ title }: { title: string }, extra) => {
        const report = await send(wiki.getCredentials(extra), `Report: ${title}`)
        const ticket = await send(tickets.getCredentials(extra), title)
        return { content: [{ type: 'text', text: `${report}\n${ticket}` }] }
      }),
    ),
  )
  return server
}

async function send(credentials: CredentialHandle, title: string): Promise<string> {
  const answer = await credentials.fetch('/api/tickets', { method: 'POST', body: JSON.stringify({ title }) })
  if (!answer.ok) throw new Error(`${credentials.provider} answered ${answer.status}: ${await answer.text()}`)
  return answer.text()
}

const app = new Koa()
vault.register(app)
app.use(mcpMount(vault, createServer))
const http = app.listen(Number(PORT), '127.0.0.1')
const stop = async () => {
  await vault.close()
  http.close()
  http.closeAllConnections()
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
http.once('listening', () => console.log(`Serving ${BASE_URL}/mcp on port ${PORT}`))
http.once('error', ({ message }) => {
  console.error(`${message}. Set PORT to a free port.`)
  process.exitCode = 1
  void stop()
})
