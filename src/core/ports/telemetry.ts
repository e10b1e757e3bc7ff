/**
 * Where a call belongs in a trace: a `Context` of `@opentelemetry/api`. It is passed on with the call, never found by what happens to run at
 * the time: in a queue that many calls share, that is another user's.
 */
export type TraceContext = object

/** The places of a request that may name a trace (W3C Trace Context). */
export interface TraceCarriers {
  /** `params._meta` of an MCP message. It goes before the headers. */
  readonly meta?: object | undefined
  /** Names in lower case, or `Headers`. Not read where no propagator is set. */
  readonly headers?: object | undefined
}

/** Measures what an MCP endpoint is asked, as the OpenTelemetry semantic conventions for MCP have it. */
export interface OperationMeter {
  /** @param method as the client sent it: an unknown one counts as `_OTHER` */
  begin(method: string, carriers: TraceCarriers): RunningOperation
}

export interface RunningOperation {
  /** Runs `work` as a part of the operation's trace. */
  run<T>(work: () => T): T
  /** Called once. `error`: a JSON-RPC error code, `tool_error` or `cancelled`. */
  end(error?: string): void
}
