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
import type { UpstreamSession } from './upstream/upstream.ts'

const END_MILLISECONDS = 5_000

/** Serves one upstream over Streamable HTTP (MCP 2025-11-25), behind the vault's bearer gate. Other paths pass through. */
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
  const shared: SharedSessions = new Map()
  return httpMount(vault, options, {
    methods: route.mode === 'stateless' ? ['POST'] : ['GET', 'POST', 'DELETE'],
    answer: (exchange) =>
      route.mode === 'stateless'
        ? serveStateless(route, sessions, shared, exchange)
        : serveExchange(route, sessions, exchange),
    async close() {
      await sessions.close()
      await route.upstream.close()
    },
  })
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
