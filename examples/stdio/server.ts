import { homedir } from 'node:os'
import { join } from 'node:path'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { CredentialsProvider, jsonLinesAudit, openLocalVault, sealedFile } from 'mcp-credential-vault'
import { credentialGate } from 'mcp-credential-vault/mcp/sdk-v1'
import { z } from 'zod'

const { TICKETS_URL = 'https://tickets.example.com', TICKETS_FOLDER = join(homedir(), '.tickets-mcp') } = process.env

// Clients start a server in a folder of their choice, so paths are absolute.
const vault = await openLocalVault({
  serverName: 'Tickets on this computer',
  backend: sealedFile({ folder: join(TICKETS_FOLDER, 'data'), keyFile: join(TICKETS_FOLDER, 'vault.key') }),
  audit: jsonLinesAudit({ folder: join(TICKETS_FOLDER, 'audit') }),
})
const tickets = new CredentialsProvider({
  vault,
  name: 'tickets',
  label: 'Ticket Service',
  variables: { pat: { label: 'Personal access token', type: 'password' } },
  destinations: [{ origin: TICKETS_URL, header: { scheme: 'Bearer', field: 'pat' } }],
})

const server = new McpServer({ name: 'tickets', version: '1.0.0' })
const requireCredentials = credentialGate(server)
server.registerTool(
  'create_ticket',
  { description: 'Creates a ticket in your name.', inputSchema: { title: z.string().min(1) } },
  requireCredentials(tickets, { tool: 'create_ticket' }, async ({ title }, extra) => {
    const body = JSON.stringify({ title })
    const answer = await tickets.getCredentials(extra).fetch(`${TICKETS_URL}/api/tickets`, { method: 'POST', body })
    if (!answer.ok) throw new Error(`The Ticket Service answered ${answer.status}: ${await answer.text()}`)
    return { content: [{ type: 'text', text: await answer.text() }] }
  }),
)

// When the client exits, end the waiting calls and let the process exit.
process.stdin.once('end', () => void server.close().then(() => vault.close()))
await server.connect(new StdioServerTransport())
