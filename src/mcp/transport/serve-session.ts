import type { User } from '../../core/model/owner.ts'
import { answerJson, authInfoOf, type McpExchange } from './http-mount.ts'
import { closeQuietly, type McpSession, type McpSessions, type SessionTransport } from './mcp-sessions.ts'
import type { CloseListener } from './response-close.ts'
import { sendWebResponse, toWebRequest } from './web-exchange.ts'

/** Additional parameters for an SDK's transport. */
export interface Handling {
  /** What the bearer gate has set. */
  readonly authInfo?: unknown
  readonly parsedBody?: unknown
}

/** An SDK's transport, as far as a mount uses it. */
export interface HandlingTransport extends SessionTransport {
  handleRequest(request: Request, handling?: Handling): Promise<Response>
}

export interface SessionServer<S, T extends HandlingTransport> {
  readonly sessions: McpSessions<S, T>
  readonly serverBaseUrl: URL
  readonly makeServer: () => S | Promise<S>
}

/** Answers one request of a session of MCP 2025-11-25, or begins the session. */
export async function serveSession<S, T extends HandlingTransport>(
  { sessions, serverBaseUrl, makeServer }: SessionServer<S, T>,
  exchange: McpExchange,
): Promise<void> {
  const { ctx, body, open } = exchange
  const user: User = ctx.state['user']
  const sessionId = ctx.get('mcp-session-id')
  const begins = sessionId === '' && isInitialize(body?.value)
  const session = begins ? await sessions.create(makeServer, user) : sessions.find(sessionId, user)
  if (!session) {
    if (sessionId !== '') return answerJson(ctx, 404, SESSION_NOT_FOUND)
    if (!begins) return answerJson(ctx, 400, 'Bad Request: Mcp-Session-Id header is required')
    ctx.set('Retry-After', '30')
    return answerJson(ctx, 503, 'This server has no room for another session. Try again later.')
  }
  const use = new SessionUse(session)
  const request = toWebRequest(ctx, serverBaseUrl)
  const response = await session.transport.handleRequest(request, handlingOf(exchange)).catch((error: unknown) => {
    use.closed()
    throw error
  })
  // The transport refused this initialize and has no session, so its server must be closed here.
  if (session.transport.sessionId === undefined) await closeQuietly(session.transport)
  // Not awaited, since a call that waits for its user would keep this request's objects in memory.
  return sendWebResponse(ctx, response, { open, end: use })
}

/** One request of a session. The session is not idle while it is open. */
class SessionUse implements CloseListener {
  readonly #session: Pick<McpSession<unknown>, 'open' | 'lastUsed'>

  constructor(session: Pick<McpSession<unknown>, 'open' | 'lastUsed'>) {
    this.#session = session
    session.open += 1
    session.lastUsed = Date.now()
  }

  closed(): void {
    this.#session.open -= 1
    this.#session.lastUsed = Date.now()
  }
}

/** Answers one request with a transport of its own, which is closed when the response has been sent. */
export async function serveStateless(
  { serverBaseUrl, transport }: { readonly serverBaseUrl: URL; readonly transport: HandlingTransport },
  exchange: McpExchange,
): Promise<void> {
  const { ctx, open } = exchange
  const response = await transport.handleRequest(toWebRequest(ctx, serverBaseUrl), handlingOf(exchange))
  return sendWebResponse(ctx, response, { open, end: { closed: () => void closeQuietly(transport) } })
}

/** Returns what the SDK's transport is given besides the request. */
export function handlingOf({ ctx, body }: McpExchange): Handling {
  const auth = authInfoOf(ctx)
  return { ...(auth !== undefined && { authInfo: auth }), ...(body && { parsedBody: body.value }) }
}

/** The session has ended, belongs to another user, or lives in another process. The text does not say which. */
const SESSION_NOT_FOUND =
  'Session not found. Sessions end when they are idle and when the server restarts, and each process knows only its own. Connect again, then ask your assistant again.'

function isInitialize(message: unknown): boolean {
  const first = Array.isArray(message) ? message[0] : message
  return typeof first === 'object' && first !== null && 'method' in first && first.method === 'initialize'
}
