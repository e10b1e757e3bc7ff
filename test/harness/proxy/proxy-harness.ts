import type { Middleware } from 'koa'
import type { TelemetryOptions } from '../../../src/core/telemetry/telemetry.ts'
import type { ProxyConfig } from '../../../src/proxy/config/upstream-options.ts'
import { createProxy } from '../../../src/server/proxy/create-proxy.ts'
import {
  type ConnectOptions,
  connectClient,
  fillIn,
  type Harness,
  type HarnessOptions,
  startHarness,
  type TestClient,
} from '../mcp-harness.ts'
import { type StandInService, startStandInService } from './stand-in-service.ts'
import { startUpstreamServer, type UpstreamServer, type UpstreamServerOptions } from './upstream-server.ts'

export const TOKENS = { alice: 'glpat-alice-5f2b9c7d1e', bob: 'glpat-bob-8a3c6e0f4d' } as const

export interface ProxyHarness<U = UpstreamServer> {
  readonly harness: Harness
  readonly service: StandInService
  readonly upstream: U
  /** Address of the proxied server. */
  readonly url: string
  connect(user: string, options?: ConnectOptions): Promise<TestClient>
  /** Fills in the form with the user's own token as soon as the client is asked. */
  connectAndFill(user: keyof typeof TOKENS): Promise<TestClient>
  close(): Promise<void>
}

export interface ProxyHarnessOptions {
  readonly telemetry?: TelemetryOptions
  /** Told what the operator is told. */
  readonly warn?: (message: string) => void
  /** Called with the entry before the proxy starts, to prepare files that it names. */
  readonly prepare?: (entry: ProxyConfig['upstreams'][string]) => Promise<void>
  readonly upstream?: Omit<Partial<UpstreamServerOptions>, 'serviceOrigin'>
  /** Changes the entry of the upstream. */
  readonly config?: Partial<ProxyConfig['upstreams'][string]>
  /** Further entries by name, each for the same server and with the changes given. */
  readonly others?: Readonly<Record<string, Partial<ProxyConfig['upstreams'][string]>>>
  readonly vault?: HarnessOptions['vault']
}

/** The proxy in front of one unmodified server, which acts at a service that knows Alice and Bob by their tokens. */
export async function startProxyHarness(options: ProxyHarnessOptions = {}): Promise<ProxyHarness> {
  const { upstream: made, ...others } = options
  return startProxyBefore((serviceOrigin) => startUpstreamServer({ serviceOrigin, ...made }), others)
}

/** A server that a proxy stands before. */
interface Before {
  readonly url: string
  close(): Promise<void>
}

/** The proxy in front of any server that is given where it acts. */
export async function startProxyBefore<U extends Before>(
  startUpstream: (serviceOrigin: string) => Promise<U>,
  options: Omit<ProxyHarnessOptions, 'upstream'> = {},
): Promise<ProxyHarness<U>> {
  const service = await startStandInService()
  for (const [who, token] of Object.entries(TOKENS)) service.know(token, who)
  const upstream = await startUpstream(service.origin)
  const entry: ProxyConfig['upstreams'][string] = {
    url: upstream.url,
    label: 'GitLab',
    credential: { variables: { pat: { label: 'Personal access token', type: 'password' } } },
    headers: { Authorization: 'Bearer {pat}' },
    ...options.config,
  }
  await options.prepare?.(entry)
  const others = Object.entries(options.others ?? {}).map(([name, changes]) => [name, { ...entry, ...changes }])
  const upstreams = { gitlab: entry, ...Object.fromEntries(others) }
  const harness = await startHarness({
    ...(options.vault && { vault: options.vault }),
    ...(options.telemetry && { telemetry: options.telemetry }),
    serve: ({ vault }) => createProxy(vault, { upstreams }, options.warn && { warn: options.warn }) as Middleware,
  })
  const url = `${harness.baseUrl}/gitlab/mcp`
  const clients: TestClient[] = []

  async function connect(user: string, connectOptions: ConnectOptions = {}): Promise<TestClient> {
    const { clientId } = connectOptions
    const token = await harness.identityProvider.issueAccessToken(user, clientId === undefined ? {} : { clientId })
    const client = await connectClient(url, token, connectOptions)
    clients.push(client)
    return client
  }

  return {
    harness,
    service,
    upstream,
    url,
    connect,
    connectAndFill: (user) =>
      connect(user, {
        onLink: async (link) => {
          await fillIn(link, user, { pat: TOKENS[user] })
          return 'accept' as const
        },
      }),
    async close() {
      await Promise.all(clients.map(({ client }) => client.close()))
      await harness.close()
      await upstream.close()
      await service.close()
    },
  }
}
