import { McpServer } from '@modelcontextprotocol/server'
import type Koa from 'koa'
import { credentialGate, mcpMount } from 'mcp-credential-vault/mcp/sdk-v2'
import { z } from 'zod'
import { createTicket, mountOf, type TicketsParts } from '../../examples/tickets/tickets-server.ts'

export interface ServerUnderTest {
  /** Version of the MCP SDK that it is built with. */
  readonly sdk: '1.x' | '2.x'
  mount(parts: TicketsParts): Koa.Middleware
}

/** The servers by the name that docs/clients.md gives them. */
export const SERVERS = {
  '2.x': { sdk: '2.x', mount: (parts) => mountV2(parts, {}) },
  '2.x fail-fast': { sdk: '2.x', mount: (parts) => mountV2(parts, { failFast: true }) },
  '2.x stateless': { sdk: '2.x', mount: (parts) => mountV2(parts, { legacy: 'stateless' }) },
  '1.x': { sdk: '1.x', mount: (parts) => mountOf(parts, {}) },
  '1.x fail-fast': { sdk: '1.x', mount: (parts) => mountOf(parts, { failFast: true }) },
  '1.x stateless': { sdk: '1.x', mount: (parts) => mountOf(parts, { mode: 'stateless' }) },
} as const satisfies Readonly<Record<string, ServerUnderTest>>

export type ServerName = keyof typeof SERVERS

/** The example's tool on one route for both revisions of MCP. */
function mountV2(
  { vault, tickets, ticketService: { origin } }: TicketsParts,
  { failFast = false, legacy = 'sessionful' }: { failFast?: boolean; legacy?: 'sessionful' | 'stateless' },
): Koa.Middleware {
  return mcpMount(
    vault,
    (options) => {
      const server = new McpServer({ name: 'tickets', version: '1.0.0' }, options)
      server.registerTool(
        'create_ticket',
        { description: 'Creates a ticket in your name.', inputSchema: z.object({ title: z.string() }) },
        credentialGate(server)(tickets, { failFast, tool: 'create_ticket' }, ({ title }, extra) =>
          createTicket({ tickets, origin, title }, extra),
        ),
      )
      return server
    },
    { legacy },
  )
}
