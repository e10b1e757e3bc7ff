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
import type { Label } from './measurements.ts'

export interface SpanStart {
  readonly name: string
  readonly kind: 'client' | 'server'
  /** Default: whatever runs now. */
  readonly parent: TraceContext | undefined
  readonly labels: { readonly [L in Label]?: string | undefined }
  /** Joins the span with the audit log. */
  readonly correlationId?: string | undefined
}

export interface RunningSpan {
  run<T>(work: () => T): T
  /** `error` is a stable token, as in the label `error.type`. */
  end(error?: string): void
}

/** Starts spans. Neither a message nor an argument of a call becomes an attribute. No error of a tracer reaches the caller. */
export type StartSpan = (start: SpanStart) => RunningSpan

/** @param provider default: the process's own, which does nothing unless the application has set one */
export function createSpans(provider: TracerProvider = trace.getTracerProvider()): StartSpan {
  const tracer = quietly(() => provider.getTracer(SCOPE, packageVersion()))
  return ({ name, kind, parent, labels, correlationId }) => {
    // An object of `requestTrace`, which is a Context.
    const around = (parent as Context | undefined) ?? context.active()
    const span = quietly(() =>
      tracer?.startSpan(
        name,
        {
          kind: kind === 'client' ? SpanKind.CLIENT : SpanKind.SERVER,
          attributes: {
            ...attributesOf(labels),
            ...(correlationId !== undefined && { [CORRELATION]: correlationId }),
          },
        },
        around,
      ),
    )
    return {
      run: (work) => runWithin(span, around, work),
      end: (error) =>
        void quietly(() => {
          if (error !== undefined) {
            span?.setAttribute('error.type', error)
            span?.setStatus({ code: SpanStatusCode.ERROR })
          }
          span?.end()
        }),
    }
  }
}

export const CORRELATION = 'credential_vault.correlation_id'

function runWithin<T>(span: Span | undefined, around: Context, work: () => T): T {
  if (!span?.isRecording()) return work()
  return context.with(trace.setSpan(around, span), work)
}
