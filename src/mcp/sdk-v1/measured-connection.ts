import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { OperationMeter, RunningOperation } from '../../core/ports/telemetry.ts'

type Transport = Parameters<McpServer['connect']>[0]
type Deliver = NonNullable<Transport['onmessage']>
type Message = Parameters<Transport['send']>[0]

/** What the semantic conventions call an error inside a good answer, and our word for a request that its client took back. */
const TOOL_ERROR = 'tool_error'
const CANCELLED = 'cancelled'

/**
 * Connects a server to its transport so that each request and notification of the client is measured, from its arrival until its answer is
 * handed on.
 */
export async function connectMeasured(
  server: McpServer,
  transport: Transport,
  operations: OperationMeter | undefined,
): Promise<void> {
  await server.connect(transport)
  const deliver = transport.onmessage
  if (!operations || !deliver) return
  const running = new Map<string | number, RunningOperation>()

  function end(id: string | number | undefined, error?: string): void {
    if (id === undefined) return
    running.get(id)?.end(error)
    running.delete(id)
  }

  const measured: Deliver = (message, extra) => {
    if (!('method' in message)) return deliver(message, extra)
    const operation = operations.begin(message.method, {
      meta: message.params?._meta,
      headers: extra?.requestInfo?.headers,
    })
    if ('id' in message) {
      running.set(message.id, operation)
      return operation.run(() => deliver(message, extra))
    }
    operation.run(() => deliver(message, extra))
    operation.end()
    // No answer follows.
    if (message.method === 'notifications/cancelled') end(cancelledId(message.params), CANCELLED)
  }
  transport.onmessage = measured

  const send = transport.send.bind(transport)
  transport.send = async (message, options) => {
    try {
      await send(message, options)
    } finally {
      if (!('method' in message)) end(message.id, errorOf(message))
    }
  }

  const closed = transport.onclose
  transport.onclose = () => {
    for (const id of [...running.keys()]) end(id, CANCELLED)
    closed?.()
  }
}

function cancelledId(params: object | undefined): string | number | undefined {
  const { requestId } = (params ?? {}) as { requestId?: unknown }
  return typeof requestId === 'string' || typeof requestId === 'number' ? requestId : undefined
}

function errorOf(answer: Message): string | undefined {
  if ('error' in answer) return codeOf(answer.error.code)
  return 'result' in answer && answer.result['isError'] === true ? TOOL_ERROR : undefined
}

/** Returns the codes that JSON-RPC 2.0 reserves, which MCP's are among. A tool may throw any number. */
function codeOf(code: number): string {
  return Number.isInteger(code) && code >= -32_768 && code <= -32_000 ? String(code) : '_OTHER'
}
