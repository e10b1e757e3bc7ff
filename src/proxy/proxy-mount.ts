import { newCorrelationId } from '../core/model/correlation-id.ts'
import type { KoaMiddleware } from '../core/ports/koa.ts'
import { httpMount } from '../mcp/transport/http-mount.ts'
import { mcpSessions } from '../mcp/transport/mcp-sessions.ts'
import type { CheckedMountOptions } from '../mcp/transport/mount-options.ts'
import type { McpMountVault } from '../mcp/transport/mount-vault.ts'
import { isRepeating } from './era/inbound.ts'
import { createArrivals } from './legs/arrivals.ts'
import { createHeldCalls } from './legs/held-calls.ts'
import type { LegServices } from './legs/leg-request.ts'
import { serveLeg } from './legs/serve-leg.ts'
import { withoutAsking } from './relay/credential-call.ts'
import { serveExchange } from './relay/serve-exchange.ts'
import { serveStateless } from './relay/serve-stateless.ts'
import { createSharedSessions } from './relay/shared-sessions.ts'
import type { ProxyRoute } from './session/proxy-route.ts'
import { createProxySession, type ProxySession, type SessionStart } from './session/proxy-session.ts'
import { asMessage } from './upstream/message.ts'
import type { UpstreamSession } from './upstream/upstream.ts'

const END_MILLISECONDS = 5_000

/** Serves one upstream over Streamable HTTP (MCP 2025-11-25 and 2026-07-28), behind the vault's bearer gate. Other paths pass through. */
export function proxyMount(vault: McpMountVault, upstream: ProxyRoute, options: CheckedMountOptions): KoaMiddleware {
  const route = { ...upstream, operations: vault.operations }
  const { maxSessions, maxSessionsPerOwner, sessionIdleSeconds } = options
  const sessions = mcpSessions<SessionStart, ProxySession>({
    ...{ maxSessions, maxSessionsPerOwner, idleSeconds: sessionIdleSeconds },
    makeTransport: (begun, start) =>
      createProxySession({
        ...start,
        begun,
        upstream: route.upstream,
        provider: route.provider,
        listsChange: route.catalogue.changesOnConnect,
        endUpstream: (...ended) => end(route, ...ended),
      }),
    connect: async (_, session) => session.begin(),
  })
  const shared = createSharedSessions(sessions)
  const services: LegServices = {
    ...{ sessions: shared, held: createHeldCalls(), arrivals: createArrivals(), listening: new Set() },
  }
  return httpMount(vault, options, {
    methods: route.mode === 'stateless' ? ['POST'] : ['GET', 'POST', 'DELETE'],
    async answer(exchange) {
      const { ctx, body } = exchange
      if (isRepeating(body && asMessage(body.value), ctx.req.headers)) return serveLeg(route, services, exchange)
      return route.mode === 'stateless'
        ? serveStateless(route, shared, exchange)
        : serveExchange(route, sessions, exchange)
    },
    async endNotices() {
      for (const end of services.listening) end()
      services.held.end()
    },
    async close() {
      await sessions.close()
      await route.upstream.close()
    },
  })
}

/** Best effort: the upstream ends idle sessions itself, and may be the reason why this one ends. */
async function end({ provider }: ProxyRoute, session: ProxySession, upstream: UpstreamSession): Promise<void> {
  const call = {
    user: session.owner,
    clientName: session.client.name,
    tool: 'end of session',
    correlationId: newCorrelationId(),
    signal: AbortSignal.timeout(END_MILLISECONDS),
  }
  await withoutAsking(provider, call, ({ call: inside }) => upstream.end(inside)).catch(() => undefined)
}
