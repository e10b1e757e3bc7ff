import type { IncomingMessage, ServerResponse } from 'node:http'
import type Koa from 'koa'
import type { OpenResponse } from './open-responses.ts'
import { type CloseListener, onClose } from './response-close.ts'

/**
 * Converts the request for the SDK's web-standard transport, without its body. The URL has the configured address, whatever `Host` says.
 *
 * @param signal aborts when the client is gone, for a revision of the protocol in which that cancels the request
 */
export function toWebRequest(ctx: Koa.Context, serverBaseUrl: URL, signal?: AbortSignal): Request {
  const headers = new Headers()
  for (const [name, value] of Object.entries(ctx.req.headers)) {
    if (name.startsWith(':') || value === undefined) continue
    headers.set(name, Array.isArray(value) ? value.join(', ') : value)
  }
  return new Request(new URL(ctx.path, serverBaseUrl), { method: ctx.method, headers, ...(signal && { signal }) })
}

/** Milliseconds. */
const HEADERS_WAIT = 50

/** Hooks of a response. */
export interface SendParts {
  /** Undefined for a response that is not counted. */
  readonly open: OpenResponse | undefined
  /** Told when the response is finished or the client has gone. */
  readonly end?: CloseListener
}

/** Sends a web response through Node.js. Resolves when it has begun. */
export async function sendWebResponse(ctx: Koa.Context, response: Response, { open, end }: SendParts): Promise<void> {
  const { res } = ctx
  ctx.respond = false
  if (isClosed(ctx)) {
    // A response that has closed tells nobody of it again.
    end?.closed()
    await response.body?.cancel().catch(() => undefined)
    return
  }
  ctx.status = response.status
  for (const [name, value] of response.headers) {
    if (name !== 'connection') ctx.set(name, value)
  }
  res.statusCode = response.status
  if (end) onClose(res, end)
  if (response.body) new SentBody(response.body.getReader(), res, open).begin()
  else res.end()
}

/** Bytes written at a time, so that progress shows whether the client reads. */
const SLICE = 65_536

/** A response body on its way to the client. A class: see "A waiting call takes little memory" in docs/design.md. */
class SentBody implements CloseListener {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #res: Koa.Context['res']
  readonly #open: OpenResponse | undefined
  #writing = Promise.resolve()
  #flushing: NodeJS.Timeout | undefined

  constructor(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    res: Koa.Context['res'],
    open: OpenResponse | undefined,
  ) {
    this.#reader = reader
    this.#res = res
    this.#open = open
  }

  begin(): void {
    // Send the headers of an event stream soon, since its first event may be a minute away. Most events come early and share their packet.
    this.#flushing = setTimeout(SentBody.#flush, HEADERS_WAIT, this)
    onClose(this.#res, this)
    this.#next()
  }

  closed(): void {
    clearTimeout(this.#flushing)
    void this.#reader.cancel().catch(() => undefined)
  }

  static #flush(body: SentBody): void {
    body.#flushing = undefined
    body.#res.flushHeaders()
  }

  #next(): void {
    this.#reader.read().then(
      ({ done, value }) => (done ? this.#finish() : this.#send(value)),
      () => this.#cut(),
    )
  }

  // The producer does not wait for the client, so each part is counted when it is produced, not when it is written.
  #send(value: Uint8Array): void {
    this.#open?.waiting(value.byteLength)
    this.#writing = this.#writing.then(() => write(value, this.#res, this.#open))
    // A failed write is seen at the end.
    this.#writing.catch(() => undefined)
    this.#next()
  }

  #finish(): void {
    this.#writing.then(
      () => this.#res.end(),
      () => this.#cut(),
    )
  }

  #cut(): void {
    this.#res.destroy()
  }
}

/** Writes bytes that were counted as waiting. Resolves when the client may be sent more, or is gone. */
export async function write(value: Uint8Array, res: Koa.Context['res'], open: OpenResponse | undefined): Promise<void> {
  for (let at = 0; at < value.byteLength && !isOver(res); at += SLICE) {
    const slice = value.subarray(at, at + SLICE)
    if (!res.write(slice)) await drained(res)
    open?.taken(slice.byteLength)
  }
}

/** The client has gone, or the process ends its stream. */
function isOver(res: Koa.Context['res']): boolean {
  return res.closed || res.destroyed || res.writableEnded
}

function drained(res: Koa.Context['res']): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      res.off('drain', go).off('close', go)
      resolve()
    }
    res.once('drain', go).once('close', go)
  })
}

/** Whether the client has disconnected. */
export function isClosed({ req, res }: Koa.Context): boolean {
  return res.closed || res.destroyed || req.socket.destroyed
}

/** Returns a signal that aborts when the client disconnects, and when it has the whole answer. */
export function closeSignal(ctx: Koa.Context): AbortSignal {
  const closed = new AbortController()
  if (isClosed(ctx)) closed.abort()
  ctx.res.once('close', () => closed.abort())
  return closed.signal
}

/**
 * Closes a response when its client disconnects, even while it waits behind an earlier response of the connection (pipelining, RFC 9112
 * §9.3.2). Node.js assigns such a response no socket yet, and emits no `close` when the socket ends.
 */
export function closeWithSocket({ socket }: IncomingMessage, response: ServerResponse): void {
  const gone = () => {
    if (response.closed) return
    response.destroy()
    response.emit('close')
  }
  // One listener for each pipelined request.
  socket.setMaxListeners(0)
  socket.on('close', gone)
  onClose(response, { closed: () => void socket.off('close', gone) })
}
