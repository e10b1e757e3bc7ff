import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import Koa from 'koa'
import { localUser, openVault, sealedFile } from 'mcp-credential-vault'
import { mcpMount } from 'mcp-credential-vault/mcp/sdk-v1'
import registerTools from './tools.js'

const { BASE_URL = 'http://localhost:8005', PORT = '8005', MCP_LOCAL_ACCESS_TOKEN = '' } = process.env

const vault = await openVault({
  serverBaseUrl: BASE_URL,
  backend: sealedFile({ folder: './data' }),
  identity: localUser({ accessToken: MCP_LOCAL_ACCESS_TOKEN }),
})

const app = new Koa()
vault.register(app)
app.use(
  mcpMount(vault, (options) => {
    const server = new McpServer({ name: 'jira', version: '1.0.0' }, options)
    registerTools(server, vault)
    return server
  }),
)
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
