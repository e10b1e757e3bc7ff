import type Koa from 'koa'

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

/** Passes a web response on; `onEnd` runs once, when it is finished or the client has gone. */
export async function sendWebResponse(ctx: Koa.Context, response: Response, onEnd: () => void): Promise<void> {
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
  void pump(reader, res)
}

async function pump(reader: ReadableStreamDefaultReader<Uint8Array>, res: Koa.Context['res']): Promise<void> {
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      if (!res.write(value)) await drained(res)
    }
    res.end()
  } catch {
    res.destroy()
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

function isClosed({ req, res }: Koa.Context): boolean {
  return res.closed || res.destroyed || req.socket.destroyed
}
