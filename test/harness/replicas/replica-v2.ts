import { createServer } from 'node:http'
import { McpServer } from '@modelcontextprotocol/server'
import Koa from 'koa'
import { oidc } from '../../../src/identity/oidc.ts'
import { credentialGate, mcpMount } from '../../../src/mcp/sdk-v2/index.ts'
import { createStores } from '../../../src/vault/environment/create-stores.ts'
import { openVault } from '../../../src/vault/open-vault.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'

const { PORT = '', REPLICA = '', MCP_SERVER_BASE_URL: serverBaseUrl = '', ISSUER: issuer = '' } = process.env

const vault = await openVault({
  serverBaseUrl,
  ...createStores(),
  identity: oidc({ issuer, clientId: 'form', scopes: ['mcp'] }),
  trustedProxies: 1,
})
const jira = new CredentialsProvider({
  vault,
  name: 'jira',
  variables: { pat: { label: 'Personal access token', type: 'password' } },
})
const app = new Koa()
app.use(vault.healthRoutes().routes)
vault.register(app)
app.use(
  mcpMount(vault, (options) => {
    const server = new McpServer({ name: 'replica', version: '1.0.0' }, options)
    server.registerTool(
      'read_secret',
      {},
      credentialGate(server)(jira, async (extra) => {
        const text = await jira.getCredentials(extra).use(({ pat }) => `${pat.length} characters by ${REPLICA}`)
        return { content: [{ type: 'text', text }] }
      }),
    )
    return server
  }),
)
createServer(app.callback()).listen(Number(PORT), '127.0.0.1')
