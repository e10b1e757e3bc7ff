import {
  createServer,
  request as forward,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { freePort } from './free-port.ts'

/** Faults of a network and its machines that any request can meet. */
export type TransportFault = 'none' | 'hanging' | 'dripping' | 'reset' | 'lost' | 'html'

export interface ProxiedRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface ProxiedAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  body: Buffer
}

export interface FaultProxyParts {
  readonly target: string
  /** The fault that this request meets. */
  readonly faultFor: (request: ProxiedRequest) => TransportFault
  /** An answer in place of the server's. */
  readonly answerFor?: (request: ProxiedRequest) => Promise<ProxiedAnswer | undefined>
  /** Looks at, or changes, the server's answer. */
  readonly after?: (request: ProxiedRequest, answer: ProxiedAnswer) => Promise<void>
}

export interface FaultProxy {
  readonly endpoint: string
  /** Stops listening: connections are refused. */
  down(): Promise<void>
  /** Listens again, on the same port. */
  up(): Promise<void>
  close(): Promise<void>
}

/** HTTP on loopback in front of a real server. */
export async function startFaultProxy(parts: FaultProxyParts): Promise<FaultProxy> {
  const port = await freePort()
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy())
  })

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = {
      method: incoming.method ?? 'GET',
      url: incoming.url ?? '/',
      headers: incoming.headers,
      body: await bodyOf(incoming),
    }
    const own = await parts.answerFor?.(request)
    if (own) return void response.writeHead(own.status, withoutLength(own.headers)).end(own.body)
    const fault = parts.faultFor(request)
    if (fault === 'none' || fault === 'lost') {
      const answer = await pass(parts.target, request)
      await parts.after?.(request, answer)
      if (fault === 'lost') response.destroy()
      else response.writeHead(answer.status, withoutLength(answer.headers)).end(answer.body)
    } else misbehave(fault, response)
  }

  const up = () => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  async function down(): Promise<void> {
    server.closeAllConnections()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
  await up()
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, down, up, close: down }
}

function misbehave(fault: Exclude<TransportFault, 'none' | 'lost'>, response: ServerResponse): void {
  switch (fault) {
    case 'hanging':
      return
    case 'dripping': {
      response.writeHead(200, { 'content-type': 'application/json' })
      const drip = setInterval(() => response.write(' '), 50)
      response.once('close', () => clearInterval(drip))
      return
    }
    case 'reset':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' }).write('{')
      setTimeout(() => response.destroy(), 5)
      return
    case 'html':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Sign in to the guest network</html>')
  }
}

export function jsonAnswer(status: number, body: unknown, headers: ProxiedAnswer['headers'] = {}): ProxiedAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(JSON.stringify(body)),
  }
}

function pass(target: string, request: ProxiedRequest): Promise<ProxiedAnswer> {
  return new Promise((resolve, reject) => {
    const options = { method: request.method, headers: request.headers }
    const sent = forward(new URL(request.url, target), options, (answer) => {
      bodyOf(answer).then(
        (body) => resolve({ status: answer.statusCode ?? 500, headers: answer.headers, body }),
        reject,
      )
    })
    sent.once('error', reject)
    sent.end(request.body)
  })
}

/** The body may have been changed. */
function withoutLength(headers: ProxiedAnswer['headers']) {
  const { 'content-length': _length, 'transfer-encoding': _encoding, connection: _connection, ...rest } = headers
  return rest
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
