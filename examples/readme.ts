import { CredentialsProvider, oidc, openVault, sealedFile } from 'mcp-credential-vault'
import { credentialGate } from 'mcp-credential-vault/mcp/sdk-v1'
import { app, createIssue, inputSchema, server } from './your-server.ts'

const vault = await openVault({
  serverBaseUrl: 'https://mcp.example.com',
  backend: sealedFile({ folder: './data' }),
  identity: oidc({ issuer: 'https://login.example.com', clientId: 'mcp-form' }),
})
const variables = { pat: { label: 'Personal access token', type: 'password' } } as const
const jira = new CredentialsProvider({ vault, name: 'jira', variables })
jira.register(app)

const requireCredentials = credentialGate(server)
server.registerTool(
  'create_issue',
  { inputSchema },
  requireCredentials(jira, async ({ title }, extra) => {
    const key = await jira.getCredentials(extra).use(({ pat }) => createIssue(title, pat))
    return { content: [{ type: 'text', text: `Created ${key}` }] }
  }),
)
