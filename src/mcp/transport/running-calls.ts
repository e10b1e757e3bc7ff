import type Koa from 'koa'
import { z } from 'zod'
import { createDrain, type Drain, type DrainedWork } from '../../core/host/drain.ts'
import { sameOwner } from '../../core/model/owner.ts'
import { type CloseListener, onClose } from './response-close.ts'
import { isClosed } from './web-exchange.ts'

/** The exchanges of a mount that are open, so that they end in order when the process does. */
export interface RunningCalls {
  /** Whether the mount may take this request: once it is stopping, only what belongs to running calls. */
  admits(method: string, message: unknown): boolean
  /** Counts the exchange until its client has the answer. */
  begin(ctx: Koa.Context, message: unknown): void
  /**
   * Ends event streams that no call needs, and waits for the calls. Those that still run when `deadline` aborts are answered by an error.
   *
   * @returns how many were answered so
   */
  end(deadline: AbortSignal): Promise<number>
}

export function createRunningCalls(): RunningCalls {
  const drain = createDrain()
  const open = new Set<OpenExchange>()

  return {
    admits: (method, message) =>
      !drain.begun || method === 'DELETE' || (method === 'POST' && requestIdsIn(message).length === 0),

    begin(ctx, message) {
      if (isClosed(ctx)) return
      const { res } = ctx
      if (ctx.method === 'GET') onClose(res, { closed: drain.onBegin(() => res.end()) })
      if (ctx.method !== 'POST' || isListening(message)) return
      forgetCancelled(open, ctx, message)
      const exchange = new OpenExchange(drain, open, ctx, requestIdsIn(message))
      drain.enter(exchange)
      open.add(exchange)
      onClose(res, exchange)
    },

    async end(deadline) {
      drain.begin()
      await drain.settled(deadline)
      const cut = [...open].filter(({ ids }) => ids.length > 0)
      for (const { ctx, ids } of cut) answerCutOff(ctx, ids)
      return cut.reduce((sum, { ids }) => sum + ids.length, 0)
    },
  }
}

/** A POST whose response is open. The shutdown waits for its requests. */
class OpenExchange implements DrainedWork, CloseListener {
  readonly ctx: Koa.Context
  /** JSON-RPC ids of the requests that still need an answer. */
  ids: readonly RequestId[]
  readonly #drain: Drain
  readonly #open: Set<OpenExchange>
  readonly #hadRequests: boolean

  constructor(drain: Drain, open: Set<OpenExchange>, ctx: Koa.Context, ids: readonly RequestId[]) {
    this.#drain = drain
    this.#open = open
    this.ctx = ctx
    this.ids = ids
    this.#hadRequests = ids.length > 0
  }

  isDue(): boolean {
    return !this.#hadRequests || this.ids.length > 0
  }

  closed(): void {
    this.#open.delete(this)
    this.#drain.leave(this)
  }
}

type RequestId = string | number

/** Whether the answer is an event stream that the server has to end (MCP 2026-07-28, subscriptions). */
export function isListening(message: unknown): boolean {
  return isRequest(message) && message.method === 'subscriptions/listen'
}

/** Ids of the JSON-RPC requests in a body. Answers and notifications, which running calls may wait for, are none. */
function requestIdsIn(message: unknown): readonly RequestId[] {
  return [message]
    .flat()
    .flatMap((one) => (isRequest(one) && (typeof one.id === 'string' || typeof one.id === 'number') ? [one.id] : []))
}

function isRequest(value: unknown): value is { readonly id: unknown; readonly method: unknown } {
  return typeof value === 'object' && value !== null && 'method' in value && 'id' in value
}

/** A cancelled call gets no answer, and its client may leave the stream open. */
function forgetCancelled(open: ReadonlySet<OpenExchange>, ctx: Koa.Context, message: unknown): void {
  const cancelled = [message].flat().flatMap((one) => cancelledSchema.safeParse(one).data?.params.requestId ?? [])
  if (cancelled.length === 0) return
  const session = ctx.get('mcp-session-id')
  for (const other of open) {
    const isOfSession = other.ctx.get('mcp-session-id') === session
    if (!isOfSession || !sameOwner(other.ctx.state['user'], ctx.state['user'])) continue
    other.ids = other.ids.filter((id) => !cancelled.includes(id))
  }
}

const cancelledSchema = z.object({
  method: z.literal('notifications/cancelled'),
  params: z.object({ requestId: z.union([z.string(), z.number()]) }),
})

const CUT_OFF =
  'The server had to restart before this call was done. It may have had an effect. Check before you call it again.'

/** A stream that only ends would keep its client waiting until its own time-out. */
function answerCutOff({ res }: Koa.Context, ids: readonly RequestId[]): void {
  const streams = String(res.getHeader('content-type') ?? '').startsWith('text/event-stream')
  // A client that reads slowly may be in the middle of an event.
  if (!streams || res.writableNeedDrain) return void res.destroy()
  const answer = (id: RequestId) => JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32000, message: CUT_OFF } })
  res.end(ids.map((id) => `event: message\ndata: ${answer(id)}\n\n`).join(''))
}
