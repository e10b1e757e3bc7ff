import type { MeterProvider, TracerProvider } from '@opentelemetry/api'
import type { CredentialReader } from '../credentials/credential-reader.ts'
import type { Health } from '../journal/health.ts'
import type { Backlog } from '../journal/journal.ts'
import type { AuditEvent, AuditSink } from '../ports/audit-sink.ts'
import type { OperationMeter } from '../ports/telemetry.ts'
import type { WaitObserver } from '../requests/request-wait.ts'
import { createAuditCounts } from './audit-counts.ts'
import { createInstruments, type GaugeReading } from './instruments.ts'
import { createProviderNames, outcomeOf, reasonLabel } from './label-values.ts'
import { createOperationMeter } from './operations.ts'
import { createSpans } from './spans.ts'
import { createWaitMetrics } from './wait-metrics.ts'
import { watchedBackend } from './watched-backend.ts'

/** Where metrics and spans go. */
export interface TelemetryOptions {
  /** Default: the process's own (`metrics.setGlobalMeterProvider` of `@opentelemetry/api`), if the application set it before. Else nothing. */
  readonly meterProvider?: MeterProvider | undefined
  /** Default: the process's own (`trace.setGlobalTracerProvider`). Without one, nothing. */
  readonly tracerProvider?: TracerProvider | undefined
}

/**
 * Metrics and spans of one opened vault. It listens where results already are: around the backend, the audit sink, the waits and the
 * reader, and at each audit line. So no other code counts anything.
 */
export interface Telemetry {
  readonly operations: OperationMeter
  watchBackend<B extends { readonly name: string }>(backend: B): B
  watchAudit(sink: Pick<AuditSink, 'append' | 'check'>): Pick<AuditSink, 'append' | 'check'>
  /** Counts and measures the calls that wait for their users. */
  readonly waits: WaitObserver
  watchReader(reader: CredentialReader): CredentialReader
  /** Counts a lookup in the cache. */
  lookedUp(found: boolean): void
  /** Counts an audit line. */
  observe(line: AuditEvent): void
  /** Reads the states of the parts whenever they are collected. */
  report(parts: ReportedParts): void
  close(): void
}

export interface ReportedParts {
  readonly breakerIsOpen: () => boolean
  readonly backlog: () => Backlog
  readonly problems: Health['problems']
}

/** @param backend the backend's name */
export function createTelemetry(backend: string, { meterProvider, tracerProvider }: TelemetryOptions = {}): Telemetry {
  const instruments = createInstruments(meterProvider)
  const startSpan = createSpans(tracerProvider)
  const providerLabel = createProviderNames()
  const counts = createAuditCounts(instruments, providerLabel)

  return {
    operations: createOperationMeter(instruments, startSpan),
    watchBackend: (watched) => watchedBackend(watched, { instruments, startSpan }),
    waits: createWaitMetrics({ instruments, providerLabel }),
    lookedUp: (found) =>
      instruments.count('credential_vault.cache.lookups', { backend, outcome: found ? 'hit' : 'miss' }),
    observe: counts.observe,

    watchAudit: (sink) => ({
      ...(sink.check && { check: sink.check.bind(sink) }),
      append: (event) =>
        ended(
          () => sink.append(event),
          (began, outcome) => instruments.since('credential_vault.audit.write.duration', began, { outcome }),
        ),
    }),

    watchReader: (reader) => ({
      ...reader,
      release: (key, ...rest) =>
        ended(
          () => reader.release(key, ...rest),
          (began, outcome) => {
            const provider = providerLabel(key.provider)
            instruments.since('credential_vault.resolve.duration', began, { provider, backend, outcome })
          },
        ),
    }),

    report({ breakerIsOpen, backlog, problems }) {
      instruments.read('credential_vault.breaker.open', () => [[breakerIsOpen() ? 1 : 0, { backend }]])
      instruments.read('credential_vault.audit.queued', () => [[backlog().lines, {}]])
      instruments.read('credential_vault.audit.lag', () => [[backlog().oldestMilliseconds / 1000, {}]])
      instruments.read('credential_vault.problems', problemReading(problems))
    },

    close: instruments.close,
  }
}

async function ended<T>(work: () => Promise<T>, note: (began: number, outcome: string) => void): Promise<T> {
  const began = performance.now()
  try {
    const result = await work()
    note(began, 'success')
    return result
  } catch (error) {
    note(began, outcomeOf(error))
    throw error
  }
}

/** An SDK keeps the last value of a series, so a problem that is over has to be 0. */
function problemReading(problems: Health['problems']): () => GaugeReading<'credential_vault.problems'> {
  const seen = new Map<string, { readonly part: string; readonly reason: string | undefined }>()
  return () => {
    const now = [...problems()].map(([part, reason]) => ({ part, reason: reasonLabel(reason) }))
    const failing = new Set(now.map((labels) => `${labels.part} ${labels.reason}`))
    for (const labels of now) seen.set(`${labels.part} ${labels.reason}`, labels)
    return [...seen].map(([problem, labels]) => [failing.has(problem) ? 1 : 0, labels] as const)
  }
}
