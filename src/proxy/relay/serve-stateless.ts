import { randomUUID } from 'node:crypto'
import { answerJson, type McpExchange } from '../../mcp/transport/http-mount.ts'
import { OWN_INITIALIZE } from '../catalogue/catalogue.ts'
import type { ProxyRoute } from '../session/proxy-route.ts'
import { asMessage, isRequest, resultAnswer } from '../upstream/message.ts'
import { answerNoRoom, useSession } from './begin-session.ts'
import { measured } from './measured.ts'
import { credentialOwner, proxyExchange } from './proxy-exchange.ts'
import { serveRequest } from './serve-request.ts'
import type { SharedSessions } from './shared-sessions.ts'

/**
 * Answers one request of a client that has no session. The upstream is told that such a client can do nothing, because it could not be
 * asked anything. Two of its requests may have the same id, since nothing joins them: at the upstream, each has one of the proxy's own.
 */
export async function serveStateless(route: ProxyRoute, shared: SharedSessions, exchange: McpExchange): Promise<void> {
  const { ctx, body } = exchange
  const message = body && asMessage(body.value)
  if (!message) return answerJson(ctx, 400, 'The body must be one JSON-RPC message.')
  const owner = await credentialOwner(route, exchange)
  if (!owner) return answerJson(ctx, 403, 'The access token names nobody whose credential could be used.')
  const start = { user: ctx.state['user'], owner, initialize: OWN_INITIALIZE, client: NOBODY }
  const found = await shared.find(start)
  if (!found) return answerNoRoom(exchange)
  const served = proxyExchange(route, found.transport, exchange)
  const { reply } = served
  if (!isRequest(message)) return reply.end()
  const { id } = message
  if (message.method === 'initialize') return reply.finish(resultAnswer(id, route.catalogue.initialize(message)))
  const named: typeof reply = { ...reply, finish: (answer, options) => reply.finish({ ...answer, id }, options) }
  const own = { ...message, id: randomUUID() }
  await useSession(found, () => measured({ ...served, reply: named }, own, (one) => serveRequest(one, own)))
}

/** The client of every request without a session. It may be able to show a link, but nobody has said so. */
const NOBODY = { name: undefined, ability: 'unknown' } as const
