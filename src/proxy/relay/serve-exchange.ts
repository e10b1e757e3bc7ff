import { isJsonObject } from '../../core/model/json.ts'
import type { User } from '../../core/model/owner.ts'
import { answerJson, type McpExchange } from '../../mcp/transport/http-mount.ts'
import type { McpSessions } from '../../mcp/transport/mcp-sessions.ts'
import {
  asMessage,
  isAnswer,
  isRequest,
  isRequestId,
  type Message,
  type Request,
  resultAnswer,
} from '../upstream/message.ts'
import { withoutAsking } from './credential-call.ts'
import { credentialOwner, type ProxyExchange, proxyExchange, unaskedCall } from './proxy-exchange.ts'
import type { ProxyRoute } from './proxy-route.ts'
import type { ProxySession, SessionStart } from './proxy-session.ts'
import { serveListening } from './serve-listening.ts'
import { serveRequest } from './serve-request.ts'

export type ProxySessions = McpSessions<SessionStart, ProxySession>

/** Answers one HTTP request at a route. */
export async function serveExchange(route: ProxyRoute, sessions: ProxySessions, exchange: McpExchange): Promise<void> {
  const { ctx, body } = exchange
  const message = body && asMessage(body.value)
  if (body && !message) return answerJson(ctx, 400, 'The body must be one JSON-RPC message.')
  const owner = await credentialOwner(route, exchange)
  if (!owner) return answerJson(ctx, 403, 'The access token names nobody whose credential could be used.')
  const user: User = ctx.state['user']
  const sessionId = ctx.get('mcp-session-id')
  if (message && isRequest(message) && message.method === 'initialize' && sessionId === '')
    return begin(route, sessions, exchange, { user, owner, initialize: message })
  if (sessionId === '') return answerJson(ctx, 400, 'Bad Request: Mcp-Session-Id header is required')
  if (message?.method === 'initialize') return answerJson(ctx, 400, 'Bad Request: this session is initialized')
  const found = sessions.find(sessionId, user)
  if (!found?.transport.belongsTo(user, owner)) return answerJson(ctx, 404, SESSION_NOT_FOUND)
  found.open += 1
  try {
    await serveInSession(proxyExchange(route, found.transport, exchange), message)
  } finally {
    found.open -= 1
    found.lastUsed = Date.now()
  }
}

async function serveInSession(served: ProxyExchange, message: Message | undefined): Promise<void> {
  const { session, exchange, reply } = served
  if (exchange.ctx.method === 'DELETE') {
    await session.close()
    exchange.ctx.status = 200
    exchange.ctx.body = ''
    return
  }
  if (!message) return serveListening(served)
  if (isRequest(message)) return serveRequest(served, message)
  if (!isAnswer(message) || !session.questions.answered(message)) await forward(served, message)
  reply.end()
}

/** Passes on a notification or the client's answer to a question of the upstream. */
async function forward(served: ProxyExchange, message: Message): Promise<void> {
  const { route, session, reply } = served
  const cancelled = message.method === 'notifications/cancelled' ? message.params?.['requestId'] : undefined
  const running = isRequestId(cancelled) ? session.running.get(cancelled) : undefined
  // The request itself tells the upstream, once it has been ended here.
  if (running) return running.abort(message)
  const upstream = session.connection.current()?.session
  // The upstream was told when its session was opened.
  const isForUpstream = upstream && message.method !== 'notifications/initialized'
  if (isForUpstream) {
    const call = unaskedCall(served, message.method ?? 'answer', reply.gone)
    await withoutAsking(route.provider, call, async ({ call: inside }) => {
      await upstream.send(message, inside)
    }).catch(() => undefined)
  }
}

/** Begins a session: as the upstream answers it for a user who has connected, else as the catalogue does. */
async function begin(
  route: ProxyRoute,
  sessions: ProxySessions,
  exchange: McpExchange,
  start: SessionStart,
): Promise<void> {
  const { ctx } = exchange
  const created = await sessions.create(() => start, start.user)
  if (!created) {
    ctx.set('Retry-After', '30')
    return answerJson(ctx, 503, 'This server has no room for another session. Try again later.')
  }
  const session = created.transport
  const served = proxyExchange(route, session, exchange)
  const answer = await initializeAnswer(served, start.initialize)
  session.told(answer.result)
  if (answer.error) await session.close()
  await served.reply.finish(answer, { headers: answer.error ? {} : { 'Mcp-Session-Id': session.sessionId } })
}

async function initializeAnswer(served: ProxyExchange, initialize: Request): Promise<Message> {
  const { route, session, reply } = served
  const opened = await withoutAsking(route.provider, unaskedCall(served, 'initialize', reply.gone), ({ call }) =>
    session.connection.initialize(call),
  ).catch(() => undefined)
  const answer = opened?.kind === 'done' ? opened.result : undefined
  if (answer?.error) return { ...answer, id: initialize.id }
  if (isJsonObject(answer?.result)) return resultAnswer(initialize.id, route.catalogue.passInitialize(answer.result))
  return resultAnswer(initialize.id, route.catalogue.initialize(initialize))
}

/** The session has ended, belongs to somebody else, or lives in another process. The text does not say which. */
const SESSION_NOT_FOUND =
  'Session not found. Sessions end when they are idle and when the server restarts, and each process knows only its own. Connect again, then ask your assistant again.'
