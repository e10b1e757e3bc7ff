import type Koa from 'koa'
import type { OpenResponse } from './open-responses.ts'

/** The request as the SDK's web-standard transport wants it, without its body, at the configured address whatever `Host` says. */
export function toWebRequest(ctx: Koa.Context, serverBaseUrl: URL): Request {
  const headers = new Headers()
  for (const [name, value] of Object.entries(ctx.req.headers)) {
    if (name.startsWith(':') || value === undefined) continue
    headers.set(name, Array.isArray(value) ? value.join(', ') : value)
  }
  return new Request(new URL(ctx.path, serverBaseUrl), { method: ctx.method, headers })
}

/** Milliseconds. */
const HEADERS_WAIT = 50

/** How a response that is sent is watched. */
export interface SendParts {
  /** undefined for one that is not counted. */
  readonly open: OpenResponse | undefined
  /** Runs once, when it is finished or the client has gone. */
  readonly onEnd: () => void
}

/** Passes a web response on. */
export async function sendWebResponse(ctx: Koa.Context, response: Response, { open, onEnd }: SendParts): Promise<void> {
  const { res } = ctx
  ctx.respond = false
  if (isClosed(ctx)) {
    // A listener that is added now would never be called.
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
  // A client waits for the headers of an event stream, whose first event may be a minute away. Most come sooner, in one packet with them.
  const flushing = setTimeout(() => res.flushHeaders(), HEADERS_WAIT)
  const reader = response.body.getReader()
  res.once('close', () => {
    clearTimeout(flushing)
    void reader.cancel().catch(() => undefined)
  })
  void pump(reader, res, open)
}

/** Of a large part so much is written at a time, so that it can be told whether the client reads. */
const SLICE = 65_536

// The stream's maker waits for nobody, so what it has made is counted as soon as it is there, and not when its turn comes.
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

async function write(value: Uint8Array, res: Koa.Context['res'], open: OpenResponse | undefined): Promise<void> {
  for (let at = 0; at < value.byteLength && !res.closed && !res.destroyed; at += SLICE) {
    const slice = value.subarray(at, at + SLICE)
    if (!res.write(slice)) await drained(res)
    open?.taken(slice.byteLength)
  }
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

/** Whether the client has gone. */
export function isClosed({ req, res }: Koa.Context): boolean {
  return res.closed || res.destroyed || req.socket.destroyed
}
