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
  const deliver = transport.onmessage
  if (!operations || !deliver) return
  const running = new Map<string | number, RunningOperation>()

  function end(id: string | number | undefined, error?: string): void {
    if (id === undefined) return
    running.get(id)?.end(error)
    running.delete(id)
  }

  transport.onmessage = (message, extra) => {
    const { id, method, params } = message
    if (method === undefined) return deliver(message, extra)
    const headers = extra?.requestInfo?.headers ?? extra?.request?.headers
    const operation = operations.begin(method, { meta: params?._meta, headers })
    if (id !== undefined) {
      running.set(id, operation)
      return operation.run(() => deliver(message, extra))
    }
    operation.run(() => deliver(message, extra))
    operation.end()
    // No answer follows.
    if (method === 'notifications/cancelled') end(cancelledId(params), CANCELLED)
  }

  const send = transport.send.bind(transport)
  transport.send = async (message, options) => {
    try {
      await send(message, options)
    } finally {
      if (message.method === undefined) end(message.id, errorOf(message))
    }
  }

  const closed = transport.onclose
  transport.onclose = () => {
    for (const id of [...running.keys()]) end(id, CANCELLED)
    closed?.()
  }
}

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
