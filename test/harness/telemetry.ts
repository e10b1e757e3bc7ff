import { context, propagation } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { METRICS, type MetricName } from '../../src/core/telemetry/metric-catalogue.ts'
import type { TelemetryOptions } from '../../src/core/telemetry/telemetry.ts'

export interface TestTelemetry {
  readonly options: Required<TelemetryOptions>
  /** What Prometheus would scrape now. */
  scrape(): Promise<string>
  spans(): readonly ReadableSpan[]
  /** The spans since this was last called, as text. */
  takeSpans(): string
  close(): Promise<void>
}

/** OpenTelemetry's own SDK: metrics as Prometheus scrapes them, spans in memory, and the usual way for a request to name its trace. */
export function testTelemetry(): TestTelemetry {
  const reader = new PrometheusExporter({ preventServerStart: true })
  const meterProvider = new MeterProvider({ readers: [reader] })
  const exporter = new InMemorySpanExporter()
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  return {
    options: { meterProvider, tracerProvider },
    async scrape() {
      const { resourceMetrics } = await reader.collect()
      return new PrometheusSerializer().serialize(resourceMetrics)
    },
    spans: () => exporter.getFinishedSpans(),
    takeSpans() {
      const spans = exporter.getFinishedSpans()
      exporter.reset()
      return spans
        .flatMap(({ name, attributes, events, status, resource }) => [
          name,
          ...Object.entries({ ...attributes, ...resource.attributes }).map(([key, value]) => `${key}: ${value}`),
          JSON.stringify([events, status]),
        ])
        .join('\n')
    },
    async close() {
      context.disable()
      propagation.disable()
      await Promise.all([meterProvider.shutdown(), tracerProvider.shutdown()])
    },
  }
}

/** The value of a series, with the labels in any order and others beside them; undefined if there is none. Several are added up. */
export function seriesValue(
  scraped: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const found = scraped.split('\n').filter((line) => {
    const [, series, inside = ''] = /^([a-z_]+)(?:\{(.*)\})? \S+$/.exec(line) ?? []
    return series === name && Object.entries(labels).every(([label, value]) => inside.includes(`${label}="${value}"`))
  })
  return found.length === 0 ? undefined : found.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

/** The names that Prometheus has for a metric. */
export function prometheusNames(name: string): readonly string[] {
  const plain = name.replaceAll('.', '_')
  const { kind } = METRICS[name as MetricName]
  if (kind === 'histogram') return [`${plain}_bucket`, `${plain}_count`, `${plain}_sum`]
  return [kind === 'counter' ? `${plain}_total` : plain]
}
