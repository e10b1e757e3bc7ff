import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface TokenProxy {
  readonly url: string
  close(): Promise<void>
}

/**
 * A proxy on loopback that adds an access token, which the suite's client cannot send. In `Host` and `Origin` it replaces its own address
 * by the server's and leaves others as they are, since those are what a scenario sends to see them refused.
 *
 * @param host what the server takes for its own address, if not that of `target`
 */
export async function startTokenProxy(target: URL, token: string, host = target.host): Promise<TokenProxy> {
  const proxy = createServer((incoming, outgoing) => {
    const forwarded = httpRequest(
      // A kept connection could be closed by the server in the moment in which it is used again.
      { host: '127.0.0.1', port: target.port, path: incoming.url, method: incoming.method, agent: false },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        outgoing.flushHeaders()
        answer.pipe(outgoing)
      },
    )
    for (const [name, value] of Object.entries(headersFor(incoming.headers))) {
      if (value !== undefined) forwarded.setHeader(name, value)
    }
    forwarded.on('error', () => outgoing.destroy())
    outgoing.once('close', () => forwarded.destroy())
    incoming.pipe(forwarded)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const { port } = proxy.address() as AddressInfo

  function headersFor(headers: IncomingHttpHeaders): IncomingHttpHeaders {
    const renamed = (value: string | undefined) =>
      value?.replace(new RegExp(`^(https?://)?(localhost|127\\.0\\.0\\.1|\\[::1\\]):${port}$`), `$1${host}`)
    const { host: asked, origin, ...others } = headers
    return { ...others, host: renamed(asked), origin: renamed(origin), authorization: `Bearer ${token}` }
  }

  return {
    url: `http://127.0.0.1:${port}${target.pathname}`,
    close: () =>
      new Promise((resolve) => {
        proxy.close(() => resolve())
        proxy.closeAllConnections()
      }),
  }
}
