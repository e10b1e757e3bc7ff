import type { MeterProvider, TracerProvider } from '@opentelemetry/api'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider as SdkMeterProvider } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { Logger } from '../../../src/core/host/logger.ts'
import type { TelemetryOptions } from '../../../src/core/telemetry/telemetry.ts'
import { fillIn, startHarness } from '../../harness/mcp-harness.ts'

const rejections: unknown[] = []
const noted = (reason: unknown) => void rejections.push(reason)
beforeAll(() => void process.on('unhandledRejection', noted))
afterEach(() => {
  expect(rejections).toEqual([])
})
afterAll(() => void process.off('unhandledRejection', noted))

/** A walk through everything that is measured and logged. */
async function walk(options: { readonly logger?: Logger; readonly telemetry?: TelemetryOptions }) {
  const harness = await startHarness({
    ...options,
    jira: {
      verify: async ({ pat }) => {
        if (pat === 'unlucky-token') throw new Error('the service is odd')
        return { ok: true }
      },
    },
  })
  onTestFinished(() => harness.close())
  const saves: Promise<unknown>[] = []
  const alice = await harness.connect('alice', {
    onLink(link) {
      // The first fails in verify, of which the operator is warned.
      const first = fillIn(link, 'alice', { pat: 'unlucky-token' })
      saves.push(first.then(() => fillIn(link, 'alice', { pat: 'a-good-token-4711' })))
      return 'accept'
    },
  })
  const answer = await alice.text()
  await Promise.all(saves)
  return answer
}

const SAVED = { text: 'a secret of 17 characters', isError: false }
const fail = () => {
  throw new Error('broken')
}

test('a logger that throws, or whose promises reject, changes nothing', async () => {
  let calls = 0
  const throws = () => {
    calls += 1
    throw new Error('the disk is full')
  }
  const rejects = async () => throws()
  expect(await walk({ logger: { debug: throws, info: throws, warn: rejects, error: throws } })).toEqual(SAVED)
  expect(calls).toBeGreaterThan(0)
})

test('a logger that never finishes is not waited for', async () => {
  const never = () => new Promise<void>(() => undefined)
  expect(await walk({ logger: { debug: never, info: never, warn: never, error: never } })).toEqual(SAVED)
})

test('meters and tracers that throw change nothing', async () => {
  const instrument = { add: fail, record: fail, addCallback: fail, removeCallback: fail }
  const make = () => instrument
  const meter = { createCounter: make, createHistogram: make, createObservableGauge: make }
  const meterProvider = { getMeter: () => meter } as unknown as MeterProvider
  for (const tracerProvider of [
    { getTracer: fail },
    { getTracer: () => ({ startSpan: fail }) },
    { getTracer: () => ({ startSpan: () => ({ isRecording: fail, setAttribute: fail, setStatus: fail, end: fail }) }) },
  ] as unknown as TracerProvider[]) {
    expect(await walk({ telemetry: { meterProvider, tracerProvider } })).toEqual(SAVED)
  }
})

test('exporters of the SDK that fail change nothing', async () => {
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [
      new SimpleSpanProcessor({
        export: (_spans, done) => done({ code: 1, error: new Error('no collector') }),
        shutdown: async () => undefined,
      }),
    ],
  })
  const reader = new PrometheusExporter({ preventServerStart: true })
  const meterProvider = new SdkMeterProvider({ readers: [reader] })
  await reader.shutdown()
  expect(await walk({ telemetry: { meterProvider, tracerProvider } })).toEqual(SAVED)
})

test('something that is no logger is refused when the vault opens', async () => {
  const logger = { warn: () => undefined } as unknown as Logger
  await expect(startHarness({ logger })).rejects.toMatchObject({
    code: 'configuration_invalid',
    message: expect.stringContaining('openVault.logger'),
  })
})
