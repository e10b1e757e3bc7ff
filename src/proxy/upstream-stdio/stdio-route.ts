import { randomUUID } from 'node:crypto'
import type { Warn } from '../../core/host/logger.ts'
import { type CredentialValues, defineVariables } from '../../core/model/variables.ts'
import type { VaultEvents } from '../../core/ports/events.ts'
import type { Verification } from '../../core/ports/form-provider.ts'
import { userCatalogue } from '../catalogue/catalogue.ts'
import { hashOf, readSnapshot } from '../catalogue/snapshot.ts'
import { snapshotCatalogue } from '../catalogue/snapshot-catalogue.ts'
import { variablesOf } from '../config/credential-config.ts'
import type { CommandUpstreamConfig } from '../config/proxy-config.ts'
import type { ProxyProvider, ProxyRoute } from '../session/proxy-route.ts'
import { rejectionMatcher } from '../upstream/rejection-matcher.ts'
import type { ChildHost } from './child-host.ts'
import { watchCredentials } from './credential-watch.ts'
import { probe } from './probe.ts'
import { stdioUpstream } from './stdio-upstream.ts'

export interface StdioRouteParts {
  readonly host: ChildHost
  readonly events: VaultEvents
  readonly warn: Warn
}

/** Makes the provider of an upstream. `verify` tries new values at the server itself. */
export type MakeProvider = (verify: Verify | undefined) => ProxyProvider

type Verify = (values: CredentialValues, signal: AbortSignal) => Promise<Verification>

/** Makes the route to an MCP server over stdio. */
export function stdioRoute(
  name: string,
  config: CommandUpstreamConfig,
  makeProvider: MakeProvider,
  { host, events, warn }: StdioRouteParts,
): ProxyRoute {
  const upstream = stdioUpstream({
    ...{ name, config, host },
    variables: defineVariables(variablesOf(config.credential)),
    configuration: hashOf(config),
  })
  const rejections = rejectionMatcher(config)
  const { check } = config
  const provider = makeProvider(
    check &&
      ((values, signal) => probe({ upstream, check, rejections, sessionId: `check ${randomUUID()}` }, values, signal)),
  )
  const stop = watchCredentials({ upstream: name, provider, pool: host.pool, events })
  return {
    name,
    provider,
    mode: config.mode,
    failFast: config.failFast,
    rejections,
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
