import { isJsonObject } from '../../core/model/json.ts'
import { answerJson, type McpExchange } from '../../mcp/transport/http-mount.ts'
import type { McpSession, McpSessions } from '../../mcp/transport/mcp-sessions.ts'
import type { ProxyRoute } from '../session/proxy-route.ts'
import type { ProxySession, SessionStart } from '../session/proxy-session.ts'
import { type Message, type Request, resultAnswer } from '../upstream/message.ts'
import { withoutAsking } from './credential-call.ts'
import { measured } from './measured.ts'
import { type ProxyExchange, proxyExchange, unaskedCall } from './proxy-exchange.ts'

export type ProxySessions = McpSessions<SessionStart, ProxySession>

/** Begins a session: as the upstream answers it for a user who has connected, else as the catalogue does. */
export async function beginSession(
  route: ProxyRoute,
  sessions: ProxySessions,
  exchange: McpExchange,
  start: SessionStart,
): Promise<void> {
  const created = await sessions.create(() => start, start.user)
  if (!created) return answerNoRoom(exchange)
  const session = created.transport
  const { initialize } = start
  await measured(proxyExchange(route, session, exchange), initialize, async (served) => {
    const answer = await initializeAnswer(served, initialize)
    session.told(answer.result)
    if (answer.error) await session.close()
    await served.reply.finish(answer, { headers: answer.error ? {} : { 'Mcp-Session-Id': session.sessionId } })
  })
}

/** Answers a request while it counts as a use of its session. */
export async function useSession(found: McpSession<ProxySession>, serve: () => Promise<void>): Promise<void> {
  found.open += 1
  try {
    await serve()
  } finally {
    found.open -= 1
    found.lastUsed = Date.now()
  }
}

export function answerNoRoom({ ctx }: McpExchange): void {
  ctx.set('Retry-After', '30')
  answerJson(ctx, 503, 'This server has no room for another session. Try again later.')
}

async function initializeAnswer(served: ProxyExchange, initialize: Request): Promise<Message> {
  const { route, session, reply } = served
  const opened = await withoutAsking(route.provider, unaskedCall(served, 'initialize', reply.gone), ({ call }) =>
    session.connection.initialize(call),
  ).catch(() => undefined)
  const answer = opened?.kind === 'done' ? opened.result : undefined
  if (answer?.error) return { ...answer, id: initialize.id }
  if (isJsonObject(answer?.result)) return resultAnswer(initialize.id, route.catalogue.passInitialize(answer.result))
  await route.catalogue.ready?.()
  return resultAnswer(initialize.id, route.catalogue.initialize(initialize))
}
