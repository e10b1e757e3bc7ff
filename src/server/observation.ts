import { logTo, type WriteLog } from '../core/host/logger.ts'
import { useProcessLog } from '../core/host/process-log.ts'
import { parseOptions } from '../core/model/options.ts'
import type { TelemetryOptions } from '../core/telemetry/telemetry.ts'
import { withoutEmpty } from '../vault/environment/environment.ts'
import { serverVariables } from '../vault/environment/server-variables.ts'
import { type MetricsEndpoint, openMetrics } from './metrics-endpoint.ts'
import { openServerLog } from './server-log.ts'

/** The log of the runnable server, and its metrics if a port is set for them. */
export interface Observation {
  /** Where the vault's metrics go. Undefined leaves them to the OpenTelemetry SDK of the process, if there is one. */
  readonly telemetry: TelemetryOptions | undefined
  logOf(component: string): WriteLog
  /** Logs an error that no middleware has caught. */
  readonly httpError: (error: Error) => void
  /** Called last, when nothing is logged or measured any more. */
  close(): Promise<void>
}

/**
 * Opens the log and the metrics that the environment asks for. From then on the log has the warnings of all parts without a logger of their
 * own.
 *
 * @throws `configuration_invalid`, naming the variable
 */
export async function openObservation(environment: NodeJS.ProcessEnv): Promise<Observation> {
  const settings = parseOptions(serverVariables, withoutEmpty(environment), 'environment')
  const { MCP_METRICS_PORT: port, MCP_METRICS_HOST: host, MCP_LOG_LEVEL: level } = settings
  const format = settings.MCP_LOG_FORMAT ?? (process.stderr.isTTY ? 'text' : 'json')
  const metrics: MetricsEndpoint | undefined = port === undefined ? undefined : await openMetrics(port, host)
  const log = await openServerLog({ level, format })
  const restore = useProcessLog(log)
  const logOf = (component: string) => logTo(log, component)
  if (metrics) logOf('metrics')('info', `Metrics are served on ${metrics.url}`)
  return {
    telemetry: metrics && { meterProvider: metrics.meterProvider },
    logOf,
    httpError(error) {
      // Such as a 404: an answer to the client, and no problem of the server.
      if ('expose' in error && error.expose === true) return
      logOf('http')('error', error.stack ?? error.message)
    },
    async close() {
      await metrics?.close()
      restore()
      log.flush()
    },
  }
}
