import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import Koa from 'koa'
import { CredentialsProvider, oidc, openVault, sealedFile } from 'mcp-credential-vault'
import { credentialGate, mcpMount } from 'mcp-credential-vault/mcp/sdk-v1'

const vault = await openVault({
  serverBaseUrl: 'https://mcp.example.com',
  backend: sealedFile({ folder: './data' }),
  identity: oidc({ issuer: 'https://login.example.com', clientId: 'mcp-form' }),
})
const origin = 'https://jira.example.com'
const jira = new CredentialsProvider({
  vault,
  name: 'jira',
  variables: { pat: { label: 'Personal access token', type: 'password' } },
  destinations: [{ origin, header: { scheme: 'Bearer', field: 'pat' } }],
})

function createServer(options: ConstructorParameters<typeof McpServer>[1]): McpServer {
  const server = new McpServer({ name: 'jira', version: '1.0.0' }, options)
  const requireCredentials = credentialGate(server)
  const whoAmI = requireCredentials(jira, { tool: 'who_am_i' }, async () => {
    const answer = await jira.getCredentials().fetch(`${origin}/rest/api/2/myself`)
    return { content: [{ type: 'text', text: await answer.text() }] }
  })
  server.registerTool('who_am_i', { description: 'Says who you are in Jira.' }, whoAmI)
  return server
}

const app = new Koa()
jira.register(app)
app.use(mcpMount(vault, createServer))
app.listen(8005, '127.0.0.1')
