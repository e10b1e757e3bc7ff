/** Every metric, with the labels that it may have. `docs/observability.md` has the same table, and a test compares the two. */
export interface Metric {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** In the notation of UCUM: `s`, or `{thing}` for a number of things. */
  readonly unit: string
  readonly description: string
  readonly labels: readonly Label[]
}

/** Labels hold names that the operator's own code or this library chose: no user, tool, link, address or text of a client. */
export const LABELS = {
  provider: 'credential_vault.provider',
  backend: 'credential_vault.backend',
  operation: 'credential_vault.operation',
  outcome: 'credential_vault.outcome',
  reason: 'credential_vault.reason',
  event: 'credential_vault.event',
  part: 'credential_vault.part',
  method: 'mcp.method.name',
  error: 'error.type',
} as const

export type Label = keyof typeof LABELS

export const METRICS = {
  'mcp.server.operation.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'From the arrival of an MCP request or notification until its answer is handed on.',
    labels: ['method', 'error'],
  },
  'credential_vault.resolve.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'Time to release a credential to a tool, with cache, backend and audit line.',
    labels: ['provider', 'backend', 'outcome'],
  },
  'credential_vault.backend.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'Time of one attempt of one operation of the backend.',
    labels: ['backend', 'operation', 'outcome'],
  },
  'credential_vault.cache.lookups': {
    kind: 'counter',
    unit: '{lookup}',
    description: 'Reads of values that the cache could answer (`hit`) or could not (`miss`).',
    labels: ['backend', 'outcome'],
  },
  'credential_vault.breaker.open': {
    kind: 'gauge',
    unit: '1',
    description: '1 while the circuit breaker keeps calls away from the backend, else 0.',
    labels: ['backend'],
  },
  'credential_vault.waits': {
    kind: 'gauge',
    unit: '{call}',
    description: 'Calls of this process that wait for their user now.',
    labels: ['provider'],
  },
  'credential_vault.wait.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'How long a call waited for its user.',
    labels: ['provider', 'outcome'],
  },
  'credential_vault.submit_to_wake.duration': {
    kind: 'histogram',
    unit: 's',
    description:
      'From the save of a form on any replica until a waiting call continues, by the clock of the pending store.',
    labels: ['provider'],
  },
  'credential_vault.form.outcomes': {
    kind: 'counter',
    unit: '{form}',
    description: 'What became of forms.',
    labels: ['provider', 'outcome'],
  },
  'credential_vault.audit.write.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'Time until an audit line is durable.',
    labels: ['outcome'],
  },
  'credential_vault.audit.lag': {
    kind: 'gauge',
    unit: 's',
    description: 'Age of the oldest audit line that is not durable yet, 0 if there is none.',
    labels: [],
  },
  'credential_vault.audit.queued': {
    kind: 'gauge',
    unit: '{line}',
    description: 'Audit lines that the log did not take and that are to be written late.',
    labels: [],
  },
  'credential_vault.events': {
    kind: 'counter',
    unit: '{event}',
    description: 'Audit events of this process, by type, outcome and reason.',
    labels: ['event', 'outcome', 'reason'],
  },
  'credential_vault.problems': {
    kind: 'gauge',
    unit: '{problem}',
    description: '1 for each part that fails now, 0 once it works again. `/health` shows the same.',
    labels: ['part', 'reason'],
  },
} as const satisfies Readonly<Record<string, Metric>>

export type MetricName = keyof typeof METRICS

/** Names of metrics of one kind. */
export type Named<K extends Metric['kind']> = {
  [N in MetricName]: (typeof METRICS)[N]['kind'] extends K ? N : never
}[MetricName]

/** Values of exactly the labels that a metric declares. */
export type LabelsOf<N extends MetricName> = {
  readonly [L in (typeof METRICS)[N]['labels'][number]]: string | undefined
}

/** Seconds. The first row is that of the semantic conventions for MCP. */
export const BUCKETS = {
  operation: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300],
  call: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  wait: [1, 5, 10, 20, 30, 45, 60, 120, 300, 600],
} as const

export const BUCKETS_OF: Readonly<Record<Named<'histogram'>, readonly number[]>> = {
  'mcp.server.operation.duration': BUCKETS.operation,
  'credential_vault.resolve.duration': BUCKETS.call,
  'credential_vault.backend.duration': BUCKETS.call,
  'credential_vault.wait.duration': BUCKETS.wait,
  'credential_vault.submit_to_wake.duration': BUCKETS.call,
  'credential_vault.audit.write.duration': BUCKETS.call,
}

/** Attributes of spans: those of labels, and one that joins a span with the audit log and the log. */
export const SPAN_ATTRIBUTES = { ...LABELS, correlation: 'credential_vault.correlation_id' } as const

/** The spans that this library makes, on the page and in the code. */
export const SPANS = {
  backend: {
    name: 'credential_vault.backend {operation}',
    kind: 'client',
    attributes: ['backend', 'operation', 'provider', 'correlation', 'error'],
  },
  operation: { name: '{method}', kind: 'server', attributes: ['method', 'error'] },
} as const satisfies Readonly<
  Record<
    string,
    {
      readonly name: string
      readonly kind: 'client' | 'server'
      readonly attributes: readonly (keyof typeof SPAN_ATTRIBUTES)[]
    }
  >
>

/** Values of the attributes with which a span begins. */
export type SpanAttributes<S extends keyof typeof SPANS> = {
  readonly [A in Exclude<(typeof SPANS)[S]['attributes'][number], 'error'>]: string | undefined
}

/** Returns a span's name with its variable part filled in. */
export function spanName(span: keyof typeof SPANS, part: string): string {
  return SPANS[span].name.replace(/\{\w+\}/, () => part)
}
