import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RawRequest, RawResponse } from '../harness/browser/form-server.ts'
import type { Channel, Trace } from './trace.ts'

/** `fetch` for MCP clients: everything it sends and everything that comes back is kept, as it goes over the wire. */
export function recordedFetch(trace: Trace): (url: string | URL, init?: RequestInit) => Promise<Response> {
  return async (url, init = {}) => {
    trace.add('mcp requests', [init.method, url, ...headerLines(new Headers(init.headers)), init.body].join('\n'))
    const response = await fetch(url, init)
    const seen = trace.stream('mcp responses')
    seen([response.status, ...headerLines(response.headers), ''].join('\n'))
    if (!response.body) return response
    const body = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(part, controller) {
          seen(part)
          controller.enqueue(part)
        },
      }),
    )
    return new Response(body, { status: response.status, headers: response.headers })
  }
}

function headerLines(headers: Headers): string[] {
  return [...headers].map(([name, value]) => `${name}: ${value}`)
}

/** A flow types a secret where none belongs: that part of its own requests is no leak. */
export interface PageRequest extends RawRequest {
  readonly deliberate?: boolean
}

export type Send = (request: PageRequest) => Promise<RawResponse>

/**
 * Raw HTTP for the pages. Only the body of a submit may hold a secret, so that is the one thing that is not kept; of a request that a
 * flow deliberately spoils nothing is kept, since what is searched is what comes back.
 */
export function recordedSend(trace: Trace, port: number, channel: Channel = 'page responses'): Send {
  return ({ method = 'GET', path, headers = {}, body, deliberate = false }) =>
    new Promise((resolve, reject) => {
      const form = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }
      const all: Record<string, string | readonly string[] | null> = {
        host: `localhost:${port}`,
        ...(method === 'POST' ? { ...form, origin: `http://localhost:${port}` } : {}),
        ...headers,
      }
      const sent = Object.entries(all).filter((entry): entry is [string, string | string[]] => entry[1] !== null)
      if (!deliberate) {
        const kept = path.includes('/submit') || path.includes('/cancel') ? '' : body
        trace.add('page requests', [method, path, ...sent.map(([name, value]) => `${name}: ${value}`), kept].join('\n'))
      }
      const seen = trace.stream(channel)
      const outgoing = httpRequest(
        { host: '127.0.0.1', port, method, path, headers: Object.fromEntries(sent), agent: false },
        (response) => {
          const chunks: Buffer[] = []
          seen(`${response.statusCode} ${response.statusMessage}\n${response.rawHeaders.join('\n')}\n`)
          response.on('data', (chunk: Buffer) => {
            seen(chunk)
            chunks.push(chunk)
          })
          response.on('error', reject)
          response.on('end', () => {
            seen(response.rawTrailers.join('\n'))
            const text = Buffer.concat(chunks).toString()
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
          })
        },
      )
      outgoing.on('error', reject)
      outgoing.end(body)
    })
}

/** Keeps every byte that the server sends, to whomever. */
export function recordSockets(trace: Trace, server: Server): void {
  server.on('connection', (socket) => {
    const seen = trace.stream('sockets')
    const write = socket.write
    socket.write = (...parameters: unknown[]): boolean => {
      const [part] = parameters
      if (typeof part === 'string' || part instanceof Uint8Array) seen(part)
      return Reflect.apply(write, socket, parameters)
    }
  })
}

export interface RecordedService {
  readonly origin: string
  readonly port: number
  /** How many requests came. */
  count(): number
  close(): Promise<void>
}

/** A service on loopback. Everything it is sent is kept, but for the headers that it is there to get. */
export async function recordedService(
  trace: Trace,
  channel: Channel,
  wanted: readonly string[],
  answer: RequestListener,
): Promise<RecordedService> {
  let count = 0
  const server = createServer((request, response) => {
    count += 1
    recordRequest(trace.stream(channel), request, wanted)
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    count: () => count,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export function recordRequest(
  seen: (part: string | Uint8Array) => void,
  request: IncomingMessage,
  wanted: readonly string[] = [],
): void {
  const headers = Object.entries(request.headers).filter(([name]) => !wanted.includes(name))
  seen(`${request.method} ${request.url}\n${headers.map(([name, value]) => `${name}: ${value}`).join('\n')}\n`)
  request.on('data', seen)
}
