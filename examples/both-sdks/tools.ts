import { type CallExtra, CredentialsProvider, oidc, openVault, sealedFile } from 'mcp-credential-vault'
import { z } from 'zod'

const { BASE_URL = 'http://localhost:8005', PORT = '8005', ISSUER = '', TICKETS_URL = '' } = process.env

export const vault = await openVault({
  serverBaseUrl: BASE_URL,
  backend: sealedFile({ folder: './data' }),
  identity: oidc({ issuer: ISSUER, clientId: 'mcp-form', scopes: ['mcp'] }),
})
export const tickets = new CredentialsProvider({
  vault,
  name: 'tickets',
  variables: { pat: { label: 'Personal access token', type: 'password' } },
  destinations: [{ origin: TICKETS_URL, header: { scheme: 'Bearer', field: 'pat' } }],
})

/** A tool of either SDK: its second parameter is that SDK's own object, which only `getCredentials` looks at. */
export const createTicket = {
  name: 'create_ticket',
  config: { description: 'Creates a ticket in your name.', inputSchema: z.object({ title: z.string() }) },
  async run({ title }: { title: string }, extra: CallExtra) {
    const body = JSON.stringify({ title })
    const answer = await tickets.getCredentials(extra).fetch(`${TICKETS_URL}/api/tickets`, { method: 'POST', body })
    if (!answer.ok) throw new Error(`The Ticket Service answered ${answer.status}: ${await answer.text()}`)
    return { content: [{ type: 'text' as const, text: await answer.text() }] }
  },
}

/** Where the server listens. */
export const port = Number(PORT)
