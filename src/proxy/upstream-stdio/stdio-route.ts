import type { Warn } from '../../core/host/logger.ts'
import { defineVariables } from '../../core/model/variables.ts'
import type { VaultEvents } from '../../core/ports/events.ts'
import { userCatalogue } from '../catalogue/catalogue.ts'
import { hashOf, readSnapshot } from '../catalogue/snapshot.ts'
import { snapshotCatalogue } from '../catalogue/snapshot-catalogue.ts'
import { variablesOf } from '../config/credential-config.ts'
import type { CommandUpstreamConfig } from '../config/proxy-config.ts'
import type { ProxyProvider, ProxyRoute } from '../session/proxy-route.ts'
import { rejectionMatcher } from '../upstream/rejection-matcher.ts'
import type { ChildHost } from './child-host.ts'
import { watchCredentials } from './credential-watch.ts'
import { stdioUpstream } from './stdio-upstream.ts'

export interface StdioRouteParts {
  readonly host: ChildHost
  readonly events: VaultEvents
  readonly warn: Warn
}

/** Makes the route to an MCP server over stdio. */
export function stdioRoute(
  name: string,
  config: CommandUpstreamConfig,
  provider: ProxyProvider,
  { host, events, warn }: StdioRouteParts,
): ProxyRoute {
  const upstream = stdioUpstream({
    ...{ name, config, host },
    variables: defineVariables(variablesOf(config.credential)),
    configuration: hashOf(config),
  })
  const stop = watchCredentials({ upstream: name, provider, pool: host.pool, events })
  return {
    name,
    provider,
    mode: config.mode,
    failFast: config.failFast,
    rejections: rejectionMatcher(config),
    catalogue:
      config.snapshot === undefined
        ? userCatalogue(name)
        : snapshotCatalogue(name, readSnapshot(config.snapshot), warn),
    upstream: {
      ...upstream,
      async close() {
        stop()
        await upstream.close()
      },
    },
  }
}
