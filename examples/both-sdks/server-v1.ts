import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import Koa from 'koa'
import { credentialGate, mcpMount } from 'mcp-credential-vault/mcp/sdk-v1'
import { createTicket, port, tickets, vault } from './tools.ts'

const app = new Koa()
vault.register(app)
app.use(
  mcpMount(vault, (options) => {
    const server = new McpServer({ name: 'tickets', version: '1.0.0' }, options)
    const requireCredentials = credentialGate(server)
    const { name, config, run } = createTicket
    server.registerTool(
      name,
      config,
      requireCredentials(tickets, { tool: name }, (args, extra) => run(args, extra)),
    )
    return server
  }),
)
const http = app.listen(port, '127.0.0.1')
process.once('SIGTERM', async () => {
  await vault.close()
  http.close()
  http.closeAllConnections()
})
