import type { OperationMeter, RunningOperation } from '../ports/telemetry.ts'
import type { Instruments } from './instruments.ts'
import { OTHER } from './label-values.ts'
import { namedTrace } from './request-trace.ts'
import type { RunningSpan, StartSpan } from './spans.ts'

/** The methods that a client may send to a server (MCP 2025-11-25). A client may send any text as a method, and a label is one of these. */
const METHODS: ReadonlySet<string> = new Set([
  'completion/complete',
  'initialize',
  'logging/setLevel',
  'notifications/cancelled',
  'notifications/initialized',
  'notifications/progress',
  'notifications/roots/list_changed',
  'ping',
  'prompts/get',
  'prompts/list',
  'resources/list',
  'resources/read',
  'resources/subscribe',
  'resources/templates/list',
  'resources/unsubscribe',
  'tasks/cancel',
  'tasks/get',
  'tasks/list',
  'tasks/result',
  'tools/call',
  'tools/list',
])

export function createOperationMeter(instruments: Instruments, startSpan: StartSpan): OperationMeter {
  return {
    begin(sent, carriers) {
      const method = METHODS.has(sent) ? sent : OTHER
      const span = startSpan('operation', { part: method, parent: namedTrace(carriers), attributes: { method } })
      return new MeasuredOperation(instruments, method, span)
    },
  }
}

/** One measured operation. A class: see "A waiting call takes little memory" in docs/design.md. */
class MeasuredOperation implements RunningOperation {
  readonly #began = performance.now()
  readonly #instruments: Instruments
  readonly #method: string
  readonly #span: RunningSpan

  constructor(instruments: Instruments, method: string, span: RunningSpan) {
    this.#instruments = instruments
    this.#method = method
    this.#span = span
  }

  run<T>(work: () => T): T {
    return this.#span.run(work)
  }

  end(error?: string): void {
    this.#instruments.since('mcp.server.operation.duration', this.#began, { method: this.#method, error })
    this.#span.end(error)
  }
}
