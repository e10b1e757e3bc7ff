import { context, propagation, type TextMapGetter, trace } from '@opentelemetry/api'
import type { TraceCarriers, TraceContext } from '../ports/telemetry.ts'
import { quietly } from './instruments.ts'

/**
 * Returns the trace that a request belongs to: that of a span which runs now, as an instrumented web server or our own mount has one, else
 * the one that the request names. The application's own propagator reads it, so without an OpenTelemetry SDK there is none.
 */
export function requestTrace(carriers: TraceCarriers): TraceContext {
  const active = context.active()
  return trace.getSpan(active) ? active : namedTrace(carriers)
}

/** Returns the trace that a request names. `_meta` goes before the headers, which a proxy may have set (MCP, semantic conventions). */
export function namedTrace({ meta, headers }: TraceCarriers): TraceContext {
  const active = context.active()
  for (const carrier of [meta, headers]) {
    if (carrier === undefined) continue
    const named = quietly(() => propagation.extract(active, carrier, carried))
    if (named && named !== active && trace.getSpanContext(named) !== trace.getSpanContext(active)) return named
  }
  return active
}

const carried: TextMapGetter<object> = {
  get: (carrier, name) => (carrier instanceof Headers ? (carrier.get(name) ?? undefined) : Reflect.get(carrier, name)),
  keys: (carrier) => (carrier instanceof Headers ? [...carrier.keys()] : Object.keys(carrier)),
}
