import { CredentialsProvider, oidc, openVault, sealedFile } from 'mcp-credential-vault'
import { credentialGate } from 'mcp-credential-vault/mcp/sdk-v1'
import { app, createIssue, inputSchema, server } from './your-server.ts'

const vault = await openVault({
  serverBaseUrl: 'https://mcp.example.com',
  backend: sealedFile({ folder: './data' }),
  identity: oidc({ issuer: 'https://login.example.com', clientId: 'mcp-form' }),
})
const jira = new CredentialsProvider({
  vault,
  name: 'jira',
  variables: { pat: { label: 'Personal access token', type: 'password' } },
  destinations: [{ origin: 'https://jira.example.com', header: { scheme: 'Bearer', field: 'pat' } }],
})
jira.register(app)

const requireCredentials = credentialGate(server)
server.registerTool(
  'create_issue',
  { inputSchema },
  requireCredentials(jira, async ({ title }, extra) => {
    const key = await createIssue(title, jira.getCredentials(extra))
    return { content: [{ type: 'text', text: `Created ${key}` }] }
  }),
)
