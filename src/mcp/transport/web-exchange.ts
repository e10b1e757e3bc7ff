import type { IncomingMessage, ServerResponse } from 'node:http'
import type Koa from 'koa'
import type { OpenResponse } from './open-responses.ts'

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
  /** Called once, when the response is finished or the client has gone. */
  readonly onEnd: () => void
}

/** Sends a web response through Node.js. */
export async function sendWebResponse(ctx: Koa.Context, response: Response, { open, onEnd }: SendParts): Promise<void> {
  const { res } = ctx
  ctx.respond = false
  if (isClosed(ctx)) {
    // A listener that is added after the close would never run.
    onEnd()
    await response.body?.cancel().catch(() => undefined)
    return
  }
  ctx.status = response.status
  for (const [name, value] of response.headers) {
    if (name !== 'connection') ctx.set(name, value)
  }
  res.statusCode = response.status
  res.once('close', onEnd)
  if (!response.body) {
    res.end()
    return
  }
  // Send the headers of an event stream soon, since its first event may be a minute away. Most events come early and share their packet.
  const flushing = setTimeout(() => res.flushHeaders(), HEADERS_WAIT)
  const reader = response.body.getReader()
  res.once('close', () => {
    clearTimeout(flushing)
    void reader.cancel().catch(() => undefined)
  })
  void pump(reader, res, open)
}

/** Bytes written at a time, so that progress shows whether the client reads. */
const SLICE = 65_536

// The producer does not wait for the client, so each part is counted when it is produced, not when it is written.
async function pump(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  res: Koa.Context['res'],
  open: OpenResponse | undefined,
): Promise<void> {
  try {
    let writing = Promise.resolve()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      open?.waiting(value.byteLength)
      writing = writing.then(() => write(value, res, open))
    }
    await writing
    res.end()
  } catch {
    res.destroy()
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
  socket.once('close', gone)
  response.once('close', () => socket.off('close', gone))
}
