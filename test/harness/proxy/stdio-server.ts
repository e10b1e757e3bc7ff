import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { z } from 'zod'
import { registerWholeSurface } from './whole-surface.ts'

/** Somebody else's MCP server over stdio: it takes its token from a variable or a file, acts at a service, and knows nothing of us. */
const { SERVICE = '', TOKEN, TOKEN_FILE, HOME = '' } = process.env
const token = () => TOKEN ?? readFileSync(TOKEN_FILE ?? '', 'utf8')

const server = new McpServer({ name: 'somebody-elses', version: '3.2.1' }, { capabilities: { logging: {} } })
const text = (value: unknown) => ({
  content: [{ type: 'text' as const, text: typeof value === 'string' ? value : JSON.stringify(value) }],
})

for (const name of ['who_am_i', 'change'])
  server.registerTool(
    name,
    { inputSchema: { note: z.string().optional(), milliseconds: z.number().optional() } },
    async ({ note, milliseconds = 0 }) => {
      await new Promise((resolve) => setTimeout(resolve, milliseconds))
      const answer = await fetch(`${SERVICE}/${note ?? name}`, { headers: { authorization: `Bearer ${token()}` } })
      if (answer.ok) return text(`You are ${await answer.text()}`)
      return { ...text(`The service answered ${answer.status}`), isError: true }
    },
  )
server.registerTool('surroundings', {}, async () =>
  text({
    pid: process.pid,
    home: HOME,
    folder: process.cwd(),
    names: Object.keys(process.env).sort(),
    argv: process.argv,
    greeting: process.env['GREETING'],
    file: TOKEN_FILE && { path: TOKEN_FILE, mode: (statSync(TOKEN_FILE).mode & 0o777).toString(8) },
  }),
)
server.registerTool('keep', { inputSchema: { name: z.string() } }, async ({ name }) => {
  writeFileSync(join(HOME, name), token())
  return text(readdirSync(HOME))
})
server.registerTool('client', {}, async () =>
  text({ capabilities: server.server.getClientCapabilities(), info: server.server.getClientVersion() }),
)
server.registerTool('kept', {}, async () => text(readdirSync(HOME)))
server.registerTool('show_token', {}, async () => text(token()))
server.registerTool('log_token', {}, async () => {
  process.stderr.write(`using ${token()}\n`)
  return text('logged')
})
server.registerTool('crash', {}, async () => {
  process.stderr.write(`fatal: cannot use ${token()}\n`)
  process.exit(1)
})
server.registerTool('announce', { inputSchema: { data: z.string() } }, async ({ data }) => {
  await server.server.sendLoggingMessage({ level: 'warning', data })
  return text('announced')
})
registerWholeSurface(server)
await server.connect(new StdioServerTransport())
