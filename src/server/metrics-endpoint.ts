import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { MeterProvider } from '@opentelemetry/api'
import { CredentialVaultError } from '../core/model/errors.ts'

export interface MetricsEndpoint {
  readonly meterProvider: MeterProvider
  /** Where Prometheus scrapes, e.g. `http://127.0.0.1:9464/metrics`. */
  readonly url: string
  close(): Promise<void>
}

/** Milliseconds, so that nobody can hold a connection. */
const TIMEOUTS = { requestTimeout: 5_000, headersTimeout: 5_000, keepAliveTimeout: 65_000 } as const
const MAX_CONNECTIONS = 50

/**
 * Serves `GET /metrics` in Prometheus's text format on a port of its own, which is never the one that users reach.
 *
 * @throws `configuration_invalid` (`reason: 'package_missing'` or `'port'`)
 */
export async function openMetrics(port: number, host: string): Promise<MetricsEndpoint> {
  const { MeterProvider, PrometheusExporter } = await sdk()
  const exporter = new PrometheusExporter({
    preventServerStart: true,
    withoutScopeInfo: true,
    withoutTargetInfo: true,
  })
  const provider = new MeterProvider({ readers: [exporter] })
  const server = createServer(TIMEOUTS, (request, response) => {
    response.setHeader('Cache-Control', 'no-store')
    response.setHeader('X-Content-Type-Options', 'nosniff')
    if (request.url?.split('?', 1)[0] !== '/metrics') response.writeHead(404).end()
    else if (request.method !== 'GET') response.writeHead(405, { Allow: 'GET' }).end()
    else exporter.getMetricsRequestHandler(request, response)
  })
  server.maxConnections = MAX_CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', ({ code = '' }: NodeJS.ErrnoException) => reject(cannotListen(port, host, code)))
    server.listen(port, host, resolve)
  })
  const { address, family, port: bound } = server.address() as AddressInfo
  return {
    meterProvider: provider,
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}/metrics`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await provider.shutdown()
    },
  }
}

async function sdk() {
  try {
    const [{ MeterProvider }, { PrometheusExporter }] = await Promise.all([
      import('@opentelemetry/sdk-metrics'),
      import('@opentelemetry/exporter-prometheus'),
    ])
    return { MeterProvider, PrometheusExporter }
  } catch {
    throw new CredentialVaultError(
      'configuration_invalid',
      'MCP_METRICS_PORT is set, but the packages for metrics are not installed. Run: npm install @opentelemetry/sdk-metrics@2 ' +
        '@opentelemetry/exporter-prometheus@0.223',
      { reason: 'package_missing' },
    )
  }
}

function cannotListen(port: number, host: string, code: string): CredentialVaultError {
  const why = code === 'EADDRINUSE' ? 'is used by another program' : `cannot be used (${code})`
  return new CredentialVaultError(
    'configuration_invalid',
    `Port ${port} on ${host} for metrics ${why}. Change MCP_METRICS_PORT or MCP_METRICS_HOST.`,
    { reason: 'port' },
  )
}
