import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import Koa from 'koa'
import { CredentialsProvider, jsonLinesAudit, oidc, openVault, sealedFile } from 'mcp-credential-vault'
import { credentialGate, mcpMount } from 'mcp-credential-vault/mcp/sdk-v1'
import { z } from 'zod'

const SERVICE = process.env['SERVICE_ORIGIN'] ?? 'https://jira.example.com'

const vault = await openVault({
  serverBaseUrl: process.env['BASE_URL'] ?? 'http://localhost:8005',
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
    if (!answer.ok) throw new Error(`It answered ${answer.status}, which says nothing of the token.`)
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
      if (!answer.ok) throw new Error(`Jira answered ${answer.status}: ${await answer.text()}`)
      return { content: [{ type: 'text', text: await answer.text() }] }
    }),
  )
  return server
}

const app = new Koa()
jira.register(app)
app.use(mcpMount(vault, createServer))
const http = app.listen(8005, '127.0.0.1')
http.requestTimeout = 30_000
process.once('SIGTERM', () => {
  http.closeAllConnections()
  http.close(() => void vault.close())
})
