import { answerJson, type McpExchange } from '../../mcp/transport/http-mount.ts'
import { isClosed, write } from '../../mcp/transport/web-exchange.ts'
import type { Message } from '../upstream/message.ts'
import type { UpstreamEvent } from '../upstream/upstream.ts'

/** The response to one request of a client: plain JSON, or an event stream once something precedes the answer. */
export interface Reply {
  /** Aborts when the client is gone before it has the whole answer. */
  readonly gone: AbortSignal
  /** Whether the client can still be sent events. */
  isOpen(): boolean
  /** Begins an event stream, unless one has begun. */
  stream(): void
  /** Sends an event. Resolves when the client may be sent more. */
  send(event: UpstreamEvent): Promise<void>
  /** Sends the answer and ends the response. `headers` and `status` have no effect on a stream that has begun. */
  finish(message: Message, options?: AnswerDetails): Promise<void>
  /** Ends the response without an answer: 202, or the end of the stream. */
  end(): void
  /** Ends the response with an error of HTTP, unless a stream has begun. */
  refuse(status: number, message: string): void
}

export interface AnswerDetails {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** The answer's own place in a stream. */
  readonly event?: Omit<UpstreamEvent, 'message'>
}

/** Milliseconds. The first event mostly comes at once, and shares its packet with the headers. */
const HEADERS_WAIT = 50
/** Bytes of an answer that goes out with its end in one packet, whether the client reads or not. */
const SMALL = 8_192

export function createReply({ ctx, open }: McpExchange): Reply {
  const { res } = ctx
  const gone = new AbortController()
  let begun = false
  let flushing: NodeJS.Timeout | undefined
  // Events of one response follow each other, whoever sends them.
  let writing = Promise.resolve()
  const over = () => res.writableEnded || isClosed(ctx)
  if (isClosed(ctx)) gone.abort()
  res.once('close', () => {
    clearTimeout(flushing)
    if (!res.writableFinished) gone.abort()
  })

  function begin(status: number, headers: Readonly<Record<string, string>>): void {
    ctx.respond = false
    ctx.status = status
    res.statusCode = status
    ctx.set({ 'Cache-Control': 'no-store', ...headers })
  }

  function stream(): void {
    if (begun || over()) return
    begun = true
    begin(200, { 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' })
    flushing = setTimeout(() => res.flushHeaders(), HEADERS_WAIT)
  }

  function send(event: UpstreamEvent): Promise<void> {
    stream()
    const bytes = Buffer.from(frameOf(event))
    open?.waiting(bytes.byteLength)
    writing = writing.then(() => write(bytes, res, open))
    return writing
  }

  async function endWith(bytes: Buffer): Promise<void> {
    await writing
    if (res.writableEnded || bytes.byteLength > SMALL || res.writableLength > 0) {
      open?.waiting(bytes.byteLength)
      await write(bytes, res, open)
      res.end()
    } else res.end(bytes)
  }

  return {
    gone: gone.signal,
    isOpen: () => !over(),
    stream,
    send,
    async finish(message, { status = 200, headers = {}, event } = {}) {
      if (over()) return
      if (begun) return endWith(Buffer.from(frameOf({ ...event, message })))
      begun = true
      begin(status, { ...headers, 'Content-Type': 'application/json' })
      return endWith(Buffer.from(JSON.stringify(message)))
    },
    end() {
      if (over()) return
      if (!begun) begin(202, {})
      begun = true
      res.end()
    },
    refuse(status, message) {
      if (begun) return void res.end()
      begun = true
      answerJson(ctx, status, message)
    },
  }
}

function frameOf({ message, id, retry }: UpstreamEvent): string {
  const lines = [
    ...(message ? ['event: message'] : []),
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(retry === undefined ? [] : [`retry: ${retry}`]),
    `data: ${message ? JSON.stringify(message) : ''}`,
  ]
  return `${lines.join('\n')}\n\n`
}
