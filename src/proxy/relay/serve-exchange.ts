import type { User } from '../../core/model/owner.ts'
import { answerJson, type McpExchange } from '../../mcp/transport/http-mount.ts'
import type { ProxyRoute } from '../session/proxy-route.ts'
import { asMessage, isRequest, isRequestId, type Message } from '../upstream/message.ts'
import { beginSession, type ProxySessions, useSession } from './begin-session.ts'
import { withoutAsking } from './credential-call.ts'
import { measured } from './measured.ts'
import { credentialOwner, type ProxyExchange, proxyExchange, unaskedCall } from './proxy-exchange.ts'
import { serveListening } from './serve-listening.ts'
import { serveRequest } from './serve-request.ts'

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
    return beginSession(route, sessions, exchange, { user, owner, initialize: message })
  if (sessionId === '') return answerJson(ctx, 400, 'Bad Request: Mcp-Session-Id header is required')
  if (message?.method === 'initialize') return answerJson(ctx, 400, 'Bad Request: this session is initialized')
  const found = sessions.find(sessionId, user)
  if (!found?.transport.belongsTo(user, owner)) return answerJson(ctx, 404, SESSION_NOT_FOUND)
  await useSession(found, () => serveInSession(proxyExchange(route, found.transport, exchange), message))
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
  if (isRequest(message)) return measured(served, message, (one) => serveRequest(one, message))
  const { method } = message
  if (method !== undefined) await measured(served, { ...message, method }, (one) => forward(one, message))
  else if (!session.questions.answered(message)) await forward(served, message)
  reply.end()
}

/** Passes on a notification or the client's answer to a question of the upstream. */
async function forward(served: ProxyExchange, message: Message): Promise<void> {
  const { route, session, reply } = served
  const cancelled = message.method === 'notifications/cancelled' ? message.params?.['requestId'] : undefined
  const running = isRequestId(cancelled) ? session.running.get(cancelled) : undefined
  // The request itself tells the upstream, once it has been ended here.
  if (running) return running.abort(message)
  const { connection } = session
  const upstream = connection.current()?.session
  if (!upstream) return
  const call = unaskedCall(served, message.method ?? 'answer', reply.gone)
  await withoutAsking(route.provider, call, async ({ call: inside }) => {
    if (message.method === 'notifications/initialized') await connection.initialized(inside)
    else await upstream.send(message, inside)
  }).catch(() => undefined)
}

/** The session has ended, belongs to somebody else, or lives in another process. The text does not say which. */
const SESSION_NOT_FOUND =
  'Session not found. Sessions end when they are idle and when the server restarts, and each process knows only its own. Connect again, then ask your assistant again.'
