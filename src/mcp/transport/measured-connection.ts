import type { OperationMeter, RunningOperation } from '../../core/ports/telemetry.ts'

/** The members of a JSON-RPC message that are measured. */
interface WireMessage {
  readonly id?: string | number
  readonly method?: string
  readonly params?: { readonly _meta?: object; readonly requestId?: unknown }
  readonly result?: { readonly isError?: unknown }
  readonly error?: { readonly code: number }
}

/** What came with a message: SDK 1.x has the headers in `requestInfo`, and SDK 2.x the request itself. */
interface WireExtra {
  readonly requestInfo?: { readonly headers?: object }
  readonly request?: Request
}

/** A connected transport, as every SDK has it. */
interface WireTransport {
  onclose?: () => void
  onmessage?: (message: WireMessage, extra?: WireExtra) => void
  send(message: WireMessage, options?: unknown): Promise<void>
}

/** What the semantic conventions call an error inside a good answer, and our word for a request that its client took back. */
const TOOL_ERROR = 'tool_error'
export const CANCELLED = 'cancelled'

/**
 * Connects a server to its transport so that each request and notification of the client is measured, from its arrival until its answer is
 * handed on.
 */
export async function connectMeasured(
  connect: () => Promise<void>,
  connected: object,
  operations: OperationMeter | undefined,
): Promise<void> {
  await connect()
  // The SDKs' own types of messages differ.
  const transport = connected as WireTransport
  if (operations && transport.onmessage) new MeasuredConnection(operations, transport).begin()
}

/** One operation that has not ended. */
interface Running {
  readonly id: string | number
  readonly operation: RunningOperation
}

/** Measures what goes over one connection. A class: see "A waiting call takes little memory" in docs/design.md. */
class MeasuredConnection {
  readonly #operations: OperationMeter
  readonly #transport: WireTransport
  readonly #deliver: WireTransport['onmessage']
  readonly #send: WireTransport['send']
  readonly #closed: WireTransport['onclose']
  // A client has few requests open at once.
  #running: readonly Running[] = NONE

  constructor(operations: OperationMeter, transport: WireTransport) {
    this.#operations = operations
    this.#transport = transport
    this.#deliver = transport.onmessage
    this.#send = transport.send
    this.#closed = transport.onclose
  }

  begin(): void {
    this.#transport.onmessage = (message, extra) => this.#received(message, extra)
    this.#transport.send = (message, options) => this.#answered(message, options)
    this.#transport.onclose = () => {
      for (const { id } of this.#running) this.#end(id, CANCELLED)
      Reflect.apply(this.#closed ?? nothing, this.#transport, [])
    }
  }

  #received(message: WireMessage, extra: WireExtra | undefined): void {
    const { id, method, params } = message
    const deliver = () => Reflect.apply(this.#deliver ?? nothing, this.#transport, [message, extra])
    if (method === undefined) {
      deliver()
      return
    }
    const headers = extra?.requestInfo?.headers ?? extra?.request?.headers
    const operation = this.#operations.begin(method, { meta: params?._meta, headers })
    if (id !== undefined) this.#running = [...this.#running, { id, operation }]
    operation.run(deliver)
    if (id !== undefined) return
    operation.end()
    // No answer follows.
    if (method === 'notifications/cancelled') this.#end(cancelledId(params), CANCELLED)
  }

  async #answered(message: WireMessage, options: unknown): Promise<void> {
    try {
      await Reflect.apply(this.#send, this.#transport, [message, options])
    } finally {
      if (message.method === undefined) this.#end(message.id, errorOf(message))
    }
  }

  #end(id: string | number | undefined, error?: string): void {
    const running = this.#running.find((one) => one.id === id)
    if (!running) return
    const left = this.#running.filter((one) => one !== running)
    this.#running = left.length > 0 ? left : NONE
    running.operation.end(error)
  }
}

const NONE: readonly Running[] = []

function nothing(): void {}

function cancelledId(params: WireMessage['params']): string | number | undefined {
  const requestId = params?.requestId
  return typeof requestId === 'string' || typeof requestId === 'number' ? requestId : undefined
}

/** Returns the error that an answer counts as, or undefined for a good one. */
export function errorOf({ error, result }: Pick<WireMessage, 'error' | 'result'>): string | undefined {
  if (error) return codeOf(error.code)
  return result?.isError === true ? TOOL_ERROR : undefined
}

/** Returns the codes that JSON-RPC 2.0 reserves, which MCP's are among. A tool may throw any number. */
function codeOf(code: number): string {
  return Number.isInteger(code) && code >= -32_768 && code <= -32_000 ? String(code) : '_OTHER'
}
