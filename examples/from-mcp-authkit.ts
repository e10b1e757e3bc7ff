import { readFile } from 'node:fs/promises'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import Koa from 'koa'
import { CredentialsProvider, createStores, oidc, openVault } from 'mcp-credential-vault'
import { credentialGate, mcpMount } from 'mcp-credential-vault/mcp/sdk-v1'
import { z } from 'zod'

const {
  SERVER_URL = 'http://localhost:8005',
  PORT = '8005',
  ISSUER_URL = '',
  FORM_CLIENT_ID = 'mcp-form',
} = process.env

const vault = await openVault({
  ...createStores(),
  serverBaseUrl: SERVER_URL,
  identity: oidc({ issuer: ISSUER_URL, clientId: FORM_CLIENT_ID, scopes: ['mcp'] }),
})
const confluence = new CredentialsProvider({
  vault,
  name: 'confluence',
  variables: {
    base_url: { label: 'Address', type: 'url', allowedHosts: ['*.example.com'] },
    pat: { label: 'Personal Access Token', type: 'password' },
  },
  doc: await readFile('confluence.md', 'utf8'),
})

function createServer(options: ConstructorParameters<typeof McpServer>[1]): McpServer {
  const server = new McpServer({ name: 'confluence', version: '1.0.0' }, options)
  const requireCredentials = credentialGate(server)
  server.registerTool(
    'list_pages',
    { inputSchema: { space: z.string() } },
    requireCredentials(confluence, { tool: 'list_pages' }, async ({ space }, extra) => {
      const credentials = confluence.getCredentials(extra)
      const answer = await credentials.use(({ base_url, pat }) =>
        listPages(new URL(`${base_url}/rest/api/content?spaceKey=${space}`), pat),
      )
      // The token is dead: the gate asks for a new one and runs this handler again.
      if (answer.status === 401) await credentials.reject(answer)
      const text = await answer.text()
      if (!answer.ok) throw new Error(`Confluence answered ${answer.status}: ${text}`)
      return { content: [{ type: 'text', text }] }
    }),
  )
  return server
}

function listPages(url: URL, pat: string): Promise<Response> {
  return fetch(url, { headers: { authorization: `Bearer ${pat}` } })
}

const app = new Koa()
confluence.register(app)
app.use(mcpMount(vault, createServer))
const http = app.listen(Number(PORT), '127.0.0.1')
http.requestTimeout = 30_000
const stop = async () => {
  await vault.close()
  http.close()
  http.closeAllConnections()
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
http.once('listening', () => console.log(`Serving ${SERVER_URL}/mcp on port ${PORT}`))
http.once('error', ({ message }) => {
  console.error(`${message}. Set PORT to a free port.`)
  process.exitCode = 1
  void stop()
})
