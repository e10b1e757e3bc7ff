import { type Attributes, type Histogram, type Meter, type MeterProvider, metrics } from '@opentelemetry/api'
import { packageVersion } from '../host/package-version.ts'
import { BUCKETS_OF, type LabelsOf, METRICS, type MetricName, type Named, SPAN_ATTRIBUTES } from './metric-catalogue.ts'

/** The name of the instrumentation scope, of spans too. */
export const SCOPE = 'mcp-credential-vault'

/** Values that a gauge has at the moment, each with its labels. */
export type GaugeReading<N extends MetricName> = readonly (readonly [number, LabelsOf<N>])[]

/** Records what is measured. No error of a meter reaches the caller: the call that is measured matters more. */
export interface Instruments {
  count<N extends Named<'counter'>>(name: N, labels: LabelsOf<N>, by?: number): void
  /** @param milliseconds what `performance.now()` gave when it began */
  since<N extends Named<'histogram'>>(name: N, milliseconds: number, labels: LabelsOf<N>): void
  /** Reads a gauge whenever it is collected, until `close()`. */
  read<N extends Named<'gauge'>>(name: N, reading: () => GaugeReading<N>): void
  close(): void
}

/** @param provider default: the process's own, which does nothing unless the application has set one before the vault opens */
export function createInstruments(provider: MeterProvider = metrics.getMeterProvider()): Instruments {
  const meter = provider.getMeter(SCOPE, packageVersion())
  const counters = new Map<MetricName, ReturnType<Meter['createCounter']>>()
  const histograms = new Map<MetricName, Histogram>()
  for (const [name, { kind, unit, description }] of metricEntries()) {
    if (kind === 'counter') counters.set(name, meter.createCounter(name, { unit, description }))
    if (kind === 'histogram')
      histograms.set(
        name,
        meter.createHistogram(name, {
          unit,
          description,
          advice: { explicitBucketBoundaries: [...BUCKETS_OF[name as Named<'histogram'>]] },
        }),
      )
  }
  const endings: (() => void)[] = []

  return {
    count: (name, labels, by = 1) => quietly(() => counters.get(name)?.add(by, attributesOf(labels))),

    since: (name, milliseconds, labels) =>
      quietly(() => histograms.get(name)?.record((performance.now() - milliseconds) / 1000, attributesOf(labels))),

    read(name, reading) {
      const { unit, description } = METRICS[name]
      quietly(() => {
        const gauge = meter.createObservableGauge(name, { unit, description })
        const collect = (result: { observe(value: number, attributes: Attributes): void }) =>
          quietly(() => {
            for (const [value, labels] of reading()) result.observe(value, attributesOf(labels))
          })
        gauge.addCallback(collect)
        endings.push(() => gauge.removeCallback(collect))
      })
    },

    close() {
      for (const end of endings.splice(0)) quietly(end)
    },
  }
}

function metricEntries() {
  return Object.entries(METRICS) as [MetricName, (typeof METRICS)[MetricName]][]
}

type Attribute = keyof typeof SPAN_ATTRIBUTES

export function attributesOf(labels: { readonly [A in Attribute]?: string | undefined }): Attributes {
  const attributes: Attributes = {}
  for (const [label, value] of Object.entries(labels)) {
    if (value !== undefined) attributes[SPAN_ATTRIBUTES[label as Attribute]] = value
  }
  return attributes
}

/** Meters and tracers are other people's code in our process. */
export function quietly<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
