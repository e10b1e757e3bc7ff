import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sendNotFoundPage } from './example-page.ts'
import { sendTokenPage } from './ticket-service-page.ts'

export interface Ticket {
  readonly key: string
  readonly title: string
  readonly reporter: string
}

export interface TicketService {
  readonly origin: string
  close(): Promise<void>
}

const MAX_BODY = 10_000

/**
 * The service that the tools act in: it issues personal access tokens on a page, keeps only their hashes, and checks them on its API.
 * An account has one token: a new one ends the one before.
 *
 * `GET /api/me`, `GET /api/tickets`, `POST /api/tickets {"title"}`, each with `Authorization: Bearer tkt_…`.
 */
export async function startTicketService(port = 0): Promise<TicketService> {
  const tokens = new Map<string, string>()
  const tickets: Ticket[] = []

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://unused')
    if (pathname === '/' && request.method === 'GET') return sendTokenPage(response, undefined)
    if (pathname === '/tokens' && request.method === 'POST') {
      const account = new URLSearchParams(await bodyOf(request)).get('account') ?? ''
      const token = `tkt_${randomBytes(24).toString('base64url')}`
      for (const [earlier, owner] of tokens) if (owner === account) tokens.delete(earlier)
      tokens.set(hash(token), account)
      return sendTokenPage(response, { account, token })
    }
    const account = tokens.get(hash(/^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''))
    if (!pathname.startsWith('/api/')) return sendNotFoundPage(response, 'Ticket Service', '/')
    if (account === undefined) return send(response, 401, { error: 'This token is not known here.' })
    if (pathname === '/api/me') return send(response, 200, { account })
    if (pathname === '/api/tickets' && request.method === 'GET') return send(response, 200, tickets)
    if (pathname === '/api/tickets' && request.method === 'POST') {
      const { title }: { title?: unknown } = JSON.parse(await bodyOf(request))
      const ticket = { key: `TICKET-${tickets.length + 1}`, title: String(title), reporter: account }
      tickets.push(ticket)
      return send(response, 201, ticket)
    }
    return send(response, 404, { error: 'There is no such page.' })
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => send(response, 400, { error: 'The request cannot be read.' }))
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  return { origin: `http://localhost:${(server.address() as AddressInfo).port}`, close: () => close(server) }
}

function hash(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) {
    body += chunk
    if (body.length > MAX_BODY) throw new Error('too long')
  }
  return body
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

function close(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}
