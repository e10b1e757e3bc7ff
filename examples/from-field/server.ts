import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import Koa from 'koa'
import { CredentialsProvider, oidc, openVault, sealedFile } from 'mcp-credential-vault'
import { credentialGate, mcpMount } from 'mcp-credential-vault/mcp/sdk-v1'
import { z } from 'zod'

const { BASE_URL = 'http://localhost:8005', PORT = '8005', ISSUER = '', SITES = '*.tickets.example.com' } = process.env

const vault = await openVault({
  serverBaseUrl: BASE_URL,
  backend: sealedFile({ folder: './data' }),
  identity: oidc({ issuer: ISSUER, clientId: 'mcp-form', scopes: ['mcp'] }),
})
const tickets = new CredentialsProvider({
  vault,
  name: 'tickets',
  variables: {
    site: {
      label: 'Site address',
      type: 'url',
      hint: 'For example https://acme.tickets.example.com',
      allowedHosts: [SITES],
    },
    pat: { label: 'Personal access token', type: 'password' },
  },
  // The sites are in the company's own network. Leave allowPrivateAddresses out for sites on the internet.
  destinations: [{ fromField: 'site', header: { scheme: 'Bearer', field: 'pat' }, allowPrivateAddresses: true }],
  async verify({ site, pat }, signal) {
    const headers = { authorization: `Bearer ${pat}` }
    const answer = await fetch(`${site}/api/me`, { headers, signal, redirect: 'error' })
    if (answer.status === 401) return { ok: false, problem: 'This site does not know this token.' }
    if (!answer.ok) throw new Error(`The site answered ${answer.status}, so the token was not checked.`)
    return { ok: true }
  },
})

function createServer(options: ConstructorParameters<typeof McpServer>[1]): McpServer {
  const server = new McpServer({ name: 'tickets', version: '1.0.0' }, options)
  const requireCredentials = credentialGate(server)
  server.registerTool(
    'create_ticket',
    { inputSchema: { title: z.string() } },
    requireCredentials(tickets, { tool: 'create_ticket' }, async ({ title }, extra) => {
      const body = JSON.stringify({ title })
      // With a single destination, a path is enough: it is below the user's own site address.
      const answer = await tickets.getCredentials(extra).fetch('/api/tickets', { method: 'POST', body })
      if (!answer.ok) throw new Error(`The Ticket Service answered ${answer.status}: ${await answer.text()}`)
      return { content: [{ type: 'text', text: await answer.text() }] }
    }),
  )
  return server
}

const app = new Koa()
vault.register(app)
app.use(mcpMount(vault, createServer))
const http = app.listen(Number(PORT), '127.0.0.1')
http.requestTimeout = 30_000
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
