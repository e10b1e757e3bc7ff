import {
  type Context,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'
import { packageVersion } from '../host/package-version.ts'
import type { TraceContext } from '../ports/telemetry.ts'
import { attributesOf, quietly, SCOPE } from './instruments.ts'
import { SPAN_ATTRIBUTES, SPANS, type SpanAttributes, spanName } from './metric-catalogue.ts'

export interface SpanStart<S extends keyof typeof SPANS> {
  /** Fills in the variable part of the span's name. */
  readonly part: string
  /** Default: whatever runs now. */
  readonly parent: TraceContext | undefined
  readonly attributes: SpanAttributes<S>
}

export interface RunningSpan {
  run<T>(work: () => T): T
  /** `error` is a stable token, as in the label `error.type`. */
  end(error?: string): void
}

/** Starts spans. Neither a message nor an argument of a call becomes an attribute. No error of a tracer reaches the caller. */
export type StartSpan = <S extends keyof typeof SPANS>(span: S, start: SpanStart<S>) => RunningSpan

/** @param provider default: the process's own, which does nothing unless the application has set one */
export function createSpans(provider: TracerProvider = trace.getTracerProvider()): StartSpan {
  const tracer = quietly(() => provider.getTracer(SCOPE, packageVersion()))
  return (span, { part, parent, attributes }) => {
    // An object of `requestTrace`, which is a Context.
    const around = (parent as Context | undefined) ?? context.active()
    const kind = KINDS[SPANS[span].kind]
    const started = quietly(() =>
      tracer?.startSpan(spanName(span, part), { kind, attributes: attributesOf(attributes) }, around),
    )
    return new OpenSpan(started, around)
  }
}

/** A span until its end. A class: see "A waiting call takes little memory" in docs/design.md. */
class OpenSpan implements RunningSpan {
  readonly #started: Span | undefined
  readonly #around: Context

  constructor(started: Span | undefined, around: Context) {
    this.#started = started
    this.#around = around
  }

  run<T>(work: () => T): T {
    return runWithin(this.#started, this.#around, work)
  }

  end(error?: string): void {
    quietly(() => {
      if (error !== undefined) {
        this.#started?.setAttribute(SPAN_ATTRIBUTES.error, error)
        this.#started?.setStatus({ code: SpanStatusCode.ERROR })
      }
      this.#started?.end()
    })
  }
}

const KINDS = { client: SpanKind.CLIENT, server: SpanKind.SERVER } as const

function runWithin<T>(span: Span | undefined, around: Context, work: () => T): T {
  if (!span || !quietly(() => span.isRecording())) return work()
  return context.with(trace.setSpan(around, span), work)
}
