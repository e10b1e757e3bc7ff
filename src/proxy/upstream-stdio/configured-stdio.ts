import { randomUUID } from 'node:crypto'
import { type CredentialValues, defineVariables } from '../../core/model/variables.ts'
import type { VaultEvents } from '../../core/ports/events.ts'
import type { Verification } from '../../core/ports/form-provider.ts'
import { variablesOf } from '../config/credential-config.ts'
import type { CommandUpstreamConfig } from '../config/proxy-config.ts'
import type { ProxyProvider } from '../session/proxy-route.ts'
import { rejectionMatcher } from '../upstream/rejection-matcher.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { ChildHost } from './child-host.ts'
import { watchCredentials } from './credential-watch.ts'
import { probe } from './probe.ts'
import { stdioUpstream } from './stdio-upstream.ts'

export interface ConfiguredStdioParts<P extends ProxyProvider> {
  readonly name: string
  readonly config: CommandUpstreamConfig
  /** Tells the processes of this configuration from those of another one under the same name. */
  readonly configuration: string
  /** Makes the provider. `verify` tries new values at the server itself. */
  readonly makeProvider: (verify: TryValues | undefined) => P
  readonly host: ChildHost
  readonly events: VaultEvents
}

export type TryValues = (values: CredentialValues, signal: AbortSignal) => Promise<Verification>

/** Makes what starts an MCP server over stdio as its configuration says, and the provider whose credential it is given. */
export function configuredStdio<P extends ProxyProvider>(
  parts: ConfiguredStdioParts<P>,
): { readonly upstream: Upstream; readonly provider: P } {
  const { name, config, configuration, makeProvider, host, events } = parts
  const variables = defineVariables(variablesOf(config.credential))
  const upstream = stdioUpstream({ name, config, host, variables, configuration })
  const rejections = rejectionMatcher(config)
  const { check } = config
  const provider = makeProvider(
    check &&
      ((values, signal) => probe({ upstream, check, rejections, sessionId: `check ${randomUUID()}` }, values, signal)),
  )
  const stop = watchCredentials({ children: { upstream: name, configuration }, provider, pool: host.pool, events })
  return {
    provider,
    upstream: {
      ...upstream,
      async close() {
        stop()
        await upstream.close()
      },
    },
  }
}
