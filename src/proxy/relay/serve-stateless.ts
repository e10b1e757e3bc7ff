import { randomUUID } from 'node:crypto'
import { ownerKey } from '../../core/model/owner.ts'
import { answerJson, type McpExchange } from '../../mcp/transport/http-mount.ts'
import type { McpSession } from '../../mcp/transport/mcp-sessions.ts'
import { OWN_INITIALIZE } from '../catalogue/catalogue.ts'
import type { ProxyRoute } from '../session/proxy-route.ts'
import type { ProxySession, SessionStart } from '../session/proxy-session.ts'
import { asMessage, isRequest, resultAnswer } from '../upstream/message.ts'
import { answerNoRoom, type ProxySessions, useSession } from './begin-session.ts'
import { measured } from './measured.ts'
import { credentialOwner, proxyExchange } from './proxy-exchange.ts'
import { serveRequest } from './serve-request.ts'

/** The session that all requests of one OAuth client of one person share, by the two. Clients do not know its id. */
export type SharedSessions = Map<string, Promise<McpSession<ProxySession> | undefined>>

/**
 * Answers one request of a client that has no session. The upstream is told that such a client can do nothing, because it could not be
 * asked anything. Two of its requests may have the same id, since nothing joins them: at the upstream, each has one of the proxy's own.
 */
export async function serveStateless(
  route: ProxyRoute,
  sessions: ProxySessions,
  shared: SharedSessions,
  exchange: McpExchange,
): Promise<void> {
  const { ctx, body } = exchange
  const message = body && asMessage(body.value)
  if (!message) return answerJson(ctx, 400, 'The body must be one JSON-RPC message.')
  const owner = await credentialOwner(route, exchange)
  if (!owner) return answerJson(ctx, 403, 'The access token names nobody whose credential could be used.')
  const start = { user: ctx.state['user'], owner, initialize: OWN_INITIALIZE, client: NOBODY }
  const found = await sharedSession(sessions, shared, start)
  if (!found) return answerNoRoom(exchange)
  const served = proxyExchange(route, found.transport, exchange)
  const { reply } = served
  if (!isRequest(message)) return reply.end()
  const { id } = message
  if (message.method === 'initialize') {
    await route.catalogue.ready?.()
    return reply.finish(resultAnswer(id, route.catalogue.initialize(message)))
  }
  const named: typeof reply = { ...reply, finish: (answer, options) => reply.finish({ ...answer, id }, options) }
  const own = { ...message, id: randomUUID() }
  await useSession(found, () => measured({ ...served, reply: named }, own, (one) => serveRequest(one, own)))
}

async function sharedSession(
  sessions: ProxySessions,
  shared: SharedSessions,
  start: SessionStart,
): Promise<McpSession<ProxySession> | undefined> {
  const { user, owner } = start
  const key = JSON.stringify([ownerKey(user), user.clientId ?? null, ownerKey(owner)])
  const known = shared.get(key)
  if (known) return known
  const forget = () => {
    if (shared.get(key) === creating) shared.delete(key)
  }
  const creating = sessions
    .create(() => start, user)
    .then(
      (created) => {
        if (!created) forget()
        else created.transport.onclose = allOf(created.transport.onclose, forget)
        return created
      },
      (error: unknown) => {
        forget()
        throw error
      },
    )
  shared.set(key, creating)
  return creating
}

function allOf(first: (() => void) | undefined, second: () => void): () => void {
  return () => {
    first?.()
    second()
  }
}

/** The client of every request without a session. It may be able to show a link, but nobody has said so. */
const NOBODY = { name: undefined, ability: 'unknown' } as const
