import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import Koa from 'koa'
import {
  type CallExtra,
  CredentialsProvider,
  type CredentialVault,
  createStores,
  oidc,
  openVault,
} from 'mcp-credential-vault'
import { credentialGate, mcpMount } from 'mcp-credential-vault/mcp/sdk-v1'
import { z } from 'zod'
import { browserClient, type IdentityProvider, startIdentityProvider } from './identity-provider.ts'
import type { Ports } from './ports.ts'
import { startTicketService, type Ticket, type TicketService } from './ticket-service.ts'
import { welcome } from './welcome.ts'

export interface TicketsOptions {
  /** Says which backend keeps the credentials, and where; docs/configuration.md has the variables. Default: the process's own. */
  readonly environment?: NodeJS.ProcessEnv
  readonly cacheSeconds?: number
  readonly ports?: Ports
  readonly failFast?: boolean
  readonly mode?: 'sessionful' | 'stateless'
  /** Whether the form asks for the day on which the token ends. Default: it does not. */
  readonly expiry?: 'optional'
  /** Serves the tools in place of the mount for SDK 1.x. */
  readonly mount?: (parts: TicketsParts) => Koa.Middleware
}

export interface TicketsParts {
  readonly vault: CredentialVault
  readonly tickets: CredentialsProvider
  readonly ticketService: Pick<TicketService, 'origin'>
}

export interface Tickets {
  readonly url: string
  readonly vault: CredentialVault
  readonly identityProvider: IdentityProvider
  readonly ticketService: TicketService
  close(): Promise<void>
}

export const FORM_CLIENT_ID = 'tickets-form'

/** An MCP server whose tools act in the ticket service, each user with their own token. */
export async function startTickets(options: TicketsOptions): Promise<Tickets> {
  const { environment, cacheSeconds = 30, ports = { server: 0, tickets: 0, identity: 0 } } = options
  // It listens before the vault opens, since the vault has to know its port.
  let answer: RequestListener = (_request, response) => response.writeHead(503).end('The example is starting.')
  const server = createServer((request, response) => answer(request, response))
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(ports.server, '127.0.0.1', resolve))
  const serverBaseUrl = `http://localhost:${(server.address() as AddressInfo).port}`
  const ticketService = await startTicketService(ports.tickets)
  const identityProvider = await startIdentityProvider({
    port: ports.identity,
    resource: `${serverBaseUrl}/mcp`,
    clients: [browserClient(FORM_CLIENT_ID, [`${serverBaseUrl}/credentials/callback`])],
  })

  const vault = await openVault({
    serverBaseUrl,
    serverName: 'Tickets example',
    ...createStores(environment),
    cacheSeconds,
    identity: oidc({ issuer: identityProvider.issuer, clientId: FORM_CLIENT_ID, scopes: ['mcp'] }),
  })
  const tickets = ticketsProvider(vault, ticketService.origin, options)
  const app = new Koa()
  tickets.register(app)
  const parts = { vault, tickets, ticketService }
  app.use((options.mount ?? ((own) => mountOf(own, options)))(parts))
  const places = {
    url: `${serverBaseUrl}/mcp`,
    ticketService: ticketService.origin,
    issuer: identityProvider.issuer,
  }
  app.use(welcome(places))
  answer = app.callback()

  return {
    url: places.url,
    vault,
    identityProvider,
    ticketService,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await Promise.all([vault.close(), identityProvider.close(), ticketService.close()])
    },
  }
}

function ticketsProvider(vault: CredentialVault, origin: string, { expiry }: TicketsOptions) {
  return new CredentialsProvider({
    vault,
    name: 'tickets',
    label: 'Ticket Service',
    doc: `1. Open the [Ticket Service](${origin}/) in another tab.\n2. Press **New token** for yourself.\n3. Paste the token here.`,
    variables: {
      pat: {
        label: 'Personal access token',
        type: 'password',
        hint: 'Starts with tkt_.',
        pattern: /tkt_[A-Za-z0-9_-]{32}/,
      },
    },
    destinations: [{ origin, header: { scheme: 'Bearer', field: 'pat' } }],
    manageUrl: `${origin}/`,
    ...(expiry && { expiry }),
    async verify({ pat }, signal) {
      const answer = await fetch(`${origin}/api/me`, { headers: { authorization: `Bearer ${pat}` }, signal })
      if (answer.status === 401 || answer.status === 403)
        return { ok: false, problem: 'The Ticket Service does not know this token.' }
      if (!answer.ok) throw new Error(`The Ticket Service answered ${answer.status}, so the token was not checked.`)
      const { account } = (await answer.json()) as { account: string }
      return { ok: true, accountName: account }
    },
  })
}

/** The mount for SDK 1.x. */
export function mountOf(parts: TicketsParts, options: Pick<TicketsOptions, 'mode' | 'failFast'>): Koa.Middleware {
  const { mode = 'sessionful', failFast = false } = options
  return mcpMount(parts.vault, (serverOptions) => ticketTools(parts, failFast, serverOptions), { mode })
}

function ticketTools(
  { tickets, ticketService: { origin } }: TicketsParts,
  failFast: boolean,
  serverOptions: ConstructorParameters<typeof McpServer>[1],
): McpServer {
  const server = new McpServer({ name: 'tickets', version: '1.0.0' }, serverOptions)
  const requireCredentials = credentialGate(server)

  server.registerTool(
    'create_ticket',
    { description: 'Creates a ticket in your name.', inputSchema: { title: z.string().min(1).max(200) } },
    requireCredentials(tickets, { failFast, tool: 'create_ticket' }, ({ title }, extra) =>
      createTicket({ tickets, origin, title }, extra),
    ),
  )

  server.registerTool(
    'list_tickets',
    { description: 'Lists all tickets.' },
    requireCredentials(tickets, { failFast, tool: 'list_tickets' }, async (extra) => {
      const answer = await tickets.getCredentials(extra).fetch(`${origin}/api/tickets`)
      await assertAccepted(answer)
      const all = (await answer.json()) as Ticket[]
      return {
        content: [
          { type: 'text', text: all.map(({ key, title }) => `${key} ${title}`).join('\n') || 'There are none.' },
        ],
      }
    }),
  )
  return server
}

/** The tool `create_ticket`, whichever SDK calls it. */
export async function createTicket(
  {
    tickets,
    origin,
    title,
  }: { readonly tickets: CredentialsProvider; readonly origin: string; readonly title: string },
  extra: CallExtra,
) {
  const answer = await tickets
    .getCredentials(extra)
    .fetch(`${origin}/api/tickets`, { method: 'POST', body: JSON.stringify({ title }) })
  await assertAccepted(answer)
  const ticket = (await answer.json()) as Ticket
  const text = `${ticket.key} "${ticket.title}" was created by ${ticket.reporter}.`
  return { content: [{ type: 'text' as const, text }] }
}

/**
 * The SDK makes a tool error of what is thrown. After a 401 the gate discards it, asks the user for a new token, and runs the tool again.
 */
async function assertAccepted(answer: Response): Promise<void> {
  if (!answer.ok) throw new Error(`The Ticket Service answered ${answer.status}: ${await answer.text()}`)
}
