import { newCorrelationId } from '../core/model/correlation-id.ts'
import type { KoaMiddleware } from '../core/ports/koa.ts'
import { httpMount } from '../mcp/transport/http-mount.ts'
import { mcpSessions } from '../mcp/transport/mcp-sessions.ts'
import type { CheckedMountOptions } from '../mcp/transport/mount-options.ts'
import type { McpMountVault } from '../mcp/transport/mount-vault.ts'
import { withoutAsking } from './relay/credential-call.ts'
import { serveExchange } from './relay/serve-exchange.ts'
import { type SharedSessions, serveStateless } from './relay/serve-stateless.ts'
import type { ProxyRoute } from './session/proxy-route.ts'
import { createProxySession, type ProxySession, type SessionStart } from './session/proxy-session.ts'
import { createRouteUses } from './session/route-uses.ts'
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

/** Serves one upstream over Streamable HTTP (MCP 2025-11-25), behind the vault's bearer gate. Other paths pass through. */
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
  const shared: SharedSessions = new Map()
  const mounted = httpMount(vault, options, {
    methods: first.mode === 'stateless' ? ['POST'] : ['GET', 'POST', 'DELETE'],
    answer(exchange) {
      if (exchange.ctx.method === 'GET') return serveExchange(live, sessions, exchange)
      return uses.during((route) =>
        route.mode === 'stateless'
          ? serveStateless(route, sessions, shared, exchange)
          : serveExchange(route, sessions, exchange),
      )
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
