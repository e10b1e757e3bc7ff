import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import Koa from 'koa'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { localUser } from '../../../src/identity/local-user.ts'
import { mcpMount } from '../../../src/mcp/sdk-v1/index.ts'
import { openVault } from '../../../src/vault/open-vault.ts'

/** A server for `server-whose-close-throws.test.ts`, in a process of its own: its tools' clean-up fails. */
const accessToken = 'a'.repeat(40)
const server = createServer()
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const baseUrl = `http://localhost:${(server.address() as AddressInfo).port}`
const vault = await openVault({
  serverBaseUrl: baseUrl,
  backend: memoryBackend(),
  audit: memoryAudit(),
  identity: localUser({ name: 'alice', accessToken }),
  warn: () => undefined,
})
const app = new Koa()
app.use(
  mcpMount(
    vault,
    (options) => {
      const mcp = new McpServer({ name: 'test', version: '1.0.0' }, options)
      mcp.registerTool('open', {}, async () => ({ content: [{ type: 'text', text: 'open to all' }] }))
      mcp.server.onclose = () => {
        throw new Error('the clean-up failed')
      }
      return mcp
    },
    { mode: 'stateless' },
  ),
)
server.on('request', app.callback())
process.stdout.write(`ready ${baseUrl} ${accessToken}\n`)
