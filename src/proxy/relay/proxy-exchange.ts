import type { GatedCall } from '../../core/gate/gated-call.ts'
import type { Owner, User } from '../../core/model/owner.ts'
import { correlationIdOf } from '../../core/telemetry/request-correlation.ts'
import { requestTrace } from '../../core/telemetry/request-trace.ts'
import { authInfoOf, type McpExchange } from '../../mcp/transport/http-mount.ts'
import type { ProxyRoute } from '../session/proxy-route.ts'
import type { ProxySession, SessionClient } from '../session/proxy-session.ts'
import { createReply, type Reply } from '../session/reply.ts'

/** One HTTP request of a client. */
export interface Served {
  readonly route: ProxyRoute
  readonly exchange: McpExchange
  readonly reply: Reply
  /** The owner of the credential that the request uses. */
  readonly owner: Owner
  readonly client: SessionClient
}

/** One HTTP request of a session. */
export interface ProxyExchange extends Served {
  readonly session: ProxySession
}

export function proxyExchange(route: ProxyRoute, session: ProxySession, exchange: McpExchange): ProxyExchange {
  const { owner, client } = session
  return { route, session, exchange, reply: createReply(exchange), owner, client }
}

/** Returns the person whose credential the request may use: whom the verified token names. */
export async function credentialOwner({ provider }: ProxyRoute, { ctx }: McpExchange): Promise<User | undefined> {
  await provider.ready()
  return provider.userOf(authInfoOf(ctx))
}

/** Makes the facts about work for which nobody is asked. */
export function unaskedCall(
  { route, owner, client, exchange: { ctx } }: Served,
  tool: string,
  signal: AbortSignal,
): GatedCall & { readonly signal: AbortSignal } {
  const authInfo = authInfoOf(ctx)
  const user: User = ctx.state['user']
  const clientId = user.clientId === undefined ? {} : { clientId: user.clientId }
  return {
    user: { ...owner, ...clientId },
    clientName: client.name,
    tool,
    correlationId: correlationIdOf(authInfo),
    assertion: route.provider.assertionOf(owner, authInfo),
    trace: requestTrace({ headers: ctx.req.headers }),
    signal,
  }
}
