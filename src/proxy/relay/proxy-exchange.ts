import type { GatedCall } from '../../core/gate/gated-call.ts'
import type { User } from '../../core/model/owner.ts'
import { correlationIdOf } from '../../core/telemetry/request-correlation.ts'
import { requestTrace } from '../../core/telemetry/request-trace.ts'
import { authInfoOf, type McpExchange } from '../../mcp/transport/http-mount.ts'
import type { ProxyRoute } from '../session/proxy-route.ts'
import type { ProxySession } from '../session/proxy-session.ts'
import { createReply, type Reply } from '../session/reply.ts'

/** One HTTP request of a session. */
export interface ProxyExchange {
  readonly route: ProxyRoute
  readonly session: ProxySession
  readonly exchange: McpExchange
  readonly reply: Reply
}

export function proxyExchange(route: ProxyRoute, session: ProxySession, exchange: McpExchange): ProxyExchange {
  // A standing stream moves on with its route; every other exchange keeps the upstream with which it began.
  return { route, session: session.on(() => route.upstream), exchange, reply: createReply(exchange) }
}

/** Returns the person whose credential the request may use: whom the verified token names. */
export async function credentialOwner({ provider }: ProxyRoute, { ctx }: McpExchange): Promise<User | undefined> {
  await provider.ready()
  return provider.userOf(authInfoOf(ctx))
}

/** Makes the facts about work for which nobody is asked. */
export function unaskedCall(
  { route, session, exchange: { ctx } }: ProxyExchange,
  tool: string,
  signal: AbortSignal,
): GatedCall & { readonly signal: AbortSignal } {
  const authInfo = authInfoOf(ctx)
  const user: User = ctx.state['user']
  const clientId = user.clientId === undefined ? {} : { clientId: user.clientId }
  return {
    user: { ...session.owner, ...clientId },
    clientName: session.client.name,
    tool,
    correlationId: correlationIdOf(authInfo),
    assertion: route.provider.assertionOf(session.owner, authInfo),
    trace: requestTrace({ headers: ctx.req.headers }),
    signal,
  }
}
