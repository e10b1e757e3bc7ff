import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import {
  CallToolRequestSchema,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js'
import { CredentialsProvider, jsonLinesAudit, openLocalVault, sealedFile } from 'mcp-credential-vault'
import { credentialGate, type ToolExtra } from 'mcp-credential-vault/mcp/sdk-v1'
import { z } from 'zod'

const { TICKETS_URL = 'https://tickets.example.com', TICKETS_FOLDER = '.' } = process.env

const vault = await openLocalVault({
  backend: sealedFile({ folder: `${TICKETS_FOLDER}/data` }),
  audit: jsonLinesAudit({ folder: `${TICKETS_FOLDER}/audit` }),
})
const tickets = new CredentialsProvider({
  vault,
  name: 'tickets',
  label: 'Ticket Service',
  variables: { pat: { label: 'Personal access token', type: 'password' } },
  destinations: [{ origin: TICKETS_URL, header: { scheme: 'Bearer', field: 'pat' } }],
})

const createTicketTool: Tool = {
  name: 'create_ticket',
  inputSchema: { type: 'object', properties: { title: { type: 'string' } }, required: ['title'] },
}
const createTicketArguments = z.object({ title: z.string() })

const server = new Server({ name: 'tickets', version: '1.0.0' }, { capabilities: { tools: {} } })
const requireCredentials = credentialGate(server)
const createTicket = requireCredentials(
  tickets,
  { tool: createTicketTool.name },
  async ({ title }: z.output<typeof createTicketArguments>, extra: ToolExtra) => {
    const body = JSON.stringify({ title })
    const answer = await tickets.getCredentials(extra).fetch(`${TICKETS_URL}/api/tickets`, { method: 'POST', body })
    const text = answer.ok ? '' : `The Ticket Service answered ${answer.status}: `
    // Thrown, it would be a JSON-RPC error, which the model does not see.
    return { content: [{ type: 'text', text: text + (await answer.text()) }], isError: !answer.ok }
  },
)

server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [createTicketTool] }))
server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) => {
  if (params.name !== createTicketTool.name) throw new McpError(ErrorCode.InvalidParams, 'There is no such tool')
  return createTicket(createTicketArguments.parse(params.arguments), extra)
})

process.stdin.once('end', () => void server.close().then(() => vault.close()))
await server.connect(new StdioServerTransport())
