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
import { createRouteUses } from './session/route-uses.ts'
import { asMessage } from './upstream/message.ts'
import type { UpstreamSession } from './upstream/upstream.ts'

const END_MILLISECONDS = 5_000

/** One upstream that is served. */
export interface ProxyMount {
  readonly middleware: KoaMiddleware
  /**
   * Serves another route under the same path from now on. Sessions stay; calls that run end with the route with which they began. Resolves
   * once none of them runs any more and what only they used is closed.
   */
  replace(next: ProxyRoute): Promise<void>
  /** Serves nothing any more. Resolves once running calls have ended, and their sessions. */
  retire(): Promise<void>
}

/** Serves one upstream over Streamable HTTP (MCP 2025-11-25 and 2026-07-28), behind the vault's bearer gate. Other paths pass through. */
export function proxyMount(vault: McpMountVault, first: ProxyRoute, options: CheckedMountOptions): ProxyMount {
  const uses = createRouteUses(first)
  const { live } = uses
  const open = new Set<ProxySession>()
  let retired = false
  const { maxSessions, maxSessionsPerOwner, sessionIdleSeconds } = options
  const sessions = mcpSessions<SessionStart, ProxySession>({
    ...{ maxSessions, maxSessionsPerOwner, idleSeconds: sessionIdleSeconds },
    makeTransport(begun, start) {
      const session = createProxySession({
        ...start,
        begun,
        upstream: () => live.upstream,
        provider: live.provider,
        listsChange: () => live.catalogue.changesOnConnect,
        endUpstream: (...ended) => end(live, ...ended),
        closed: (one) => open.delete(one),
      })
      open.add(session)
      return session
    },
    connect: async (_, session) => session.begin(),
  })
  const shared = createSharedSessions(sessions)
  const services: Omit<LegServices, 'hold'> = {
    ...{ sessions: shared, held: createHeldCalls(), arrivals: createArrivals(), listening: new Set() },
  }
  const endListening = () => {
    for (const end of services.listening) end()
  }
  const mounted = httpMount(vault, options, {
    methods: first.mode === 'stateless' ? ['POST'] : ['GET', 'POST', 'DELETE'],
    async answer(exchange) {
      const { ctx, body } = exchange
      const message = body && asMessage(body.value)
      const isLeg = isRepeating(message, ctx.req.headers)
      // A standing stream must not keep a former route in use.
      if (isLeg && message?.method === 'subscriptions/listen')
        return serveLeg(live, { ...services, hold: (work) => work() }, exchange)
      if (ctx.method === 'GET') return serveExchange(live, sessions, exchange)
      return uses.during((route, hold) => {
        if (isLeg) return serveLeg(route, { ...services, hold }, exchange)
        return route.mode === 'stateless'
          ? serveStateless(route, shared, exchange)
          : serveExchange(route, sessions, exchange)
      })
    },
    async endNotices() {
      endListening()
      services.held.end()
    },
    close,
  })

  async function close(): Promise<void> {
    await sessions.close()
    await live.upstream.close()
  }

  return {
    middleware: (ctx, next) => (retired ? next() : mounted(ctx, next)),

    async replace(next) {
      const { route: old, ended } = uses.replace(next)
      const moves = old.upstream !== next.upstream
      // Their clients open them again, at the new upstream.
      endListening()
      const left = moves ? [...open].map((session) => [session, session.leave(old.upstream)] as const) : []
      for (const session of open) void session.announceLists()
      await ended
      if (!moves) return
      const opened = [...open].map((session) => [session, session.forget(old.upstream)] as const)
      await Promise.all([...left, ...opened].map(([session, upstream]) => upstream && end(old, session, upstream)))
      await old.upstream.close()
    },

    async retire() {
      retired = true
      await uses.ended()
      await close()
    },
  }
}

/** Best effort: the upstream ends idle sessions itself, and may be the reason why this one ends. */
async function end(route: ProxyRoute, session: ProxySession, upstream: UpstreamSession | undefined): Promise<void> {
  if (upstream) await endThere(route, session, upstream)
  await route.upstream.sessionClosed?.(session.sessionId)
}

async function endThere({ provider }: ProxyRoute, session: ProxySession, upstream: UpstreamSession): Promise<void> {
  const call = {
    user: session.owner,
    clientName: session.client.name,
    tool: 'end of session',
    correlationId: newCorrelationId(),
    signal: AbortSignal.timeout(END_MILLISECONDS),
  }
  await withoutAsking(provider, call, ({ call: inside }) => upstream.end(inside)).catch(() => undefined)
}
