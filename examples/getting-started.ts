import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import Koa from 'koa'
import { CredentialsProvider, jsonLinesAudit, oidc, openVault, sealedFile } from 'mcp-credential-vault'
import { credentialGate, mcpMount } from 'mcp-credential-vault/mcp/sdk-v1'
import { z } from 'zod'

const SERVICE = process.env['SERVICE_ORIGIN'] ?? 'https://jira.example.com'
const { BASE_URL = 'http://localhost:8005', PORT = '8005' } = process.env

const vault = await openVault({
  serverBaseUrl: BASE_URL,
  serverName: 'Acme tools',
  backend: sealedFile({ folder: './data' }),
  audit: jsonLinesAudit({ folder: './data/audit' }),
  identity: oidc({
    issuer: process.env['ISSUER'] ?? 'https://login.example.com',
    clientId: process.env['CLIENT_ID'] ?? 'mcp-form',
    scopes: ['mcp'],
  }),
})

const jira = new CredentialsProvider({
  vault,
  name: 'jira',
  label: 'Jira',
  doc: 'In Jira, open **Profile → Personal access tokens** and press **Create token**.',
  variables: { pat: { label: 'Personal access token', type: 'password' } },
  destinations: [{ origin: SERVICE, header: { scheme: 'Bearer', field: 'pat' } }],
  async verify({ pat }, signal) {
    const answer = await fetch(`${SERVICE}/rest/api/2/myself`, { headers: { authorization: `Bearer ${pat}` }, signal })
    if (answer.status === 401 || answer.status === 403) return { ok: false, problem: 'Jira does not know this token.' }
    if (!answer.ok) throw new Error(`Jira answered ${answer.status}, so the token was not checked.`)
    return { ok: true }
  },
})

function createServer(options: ConstructorParameters<typeof McpServer>[1]): McpServer {
  const server = new McpServer({ name: 'jira', version: '1.0.0' }, options)
  const requireCredentials = credentialGate(server)
  server.registerTool(
    'get_issue',
    { description: 'Reads one issue as you.', inputSchema: { key: z.string().regex(/^[A-Z]+-\d+$/) } },
    requireCredentials(jira, { tool: 'get_issue' }, async ({ key }, extra) => {
      const answer = await jira.getCredentials(extra).fetch(`${SERVICE}/rest/api/2/issue/${key}`)
      const text = await answer.text()
      if (!answer.ok) throw new Error(`Jira answered ${answer.status}: ${text}`)
      return { content: [{ type: 'text', text }] }
    }),
  )
  return server
}

const app = new Koa()
jira.register(app)
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
