import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FakeAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON unless it is a string. */
  readonly body?: unknown
  /** Never answers. */
  readonly silent?: boolean
}

export interface FakeIssuer {
  readonly issuer: string
  readonly requests: readonly string[]
  close(): Promise<void>
}

/** An identity provider's documents as a real one would never serve them. Paths without an answer are 404. */
export async function startFakeIssuer(answers: (issuer: string) => Record<string, FakeAnswer>): Promise<FakeIssuer> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    requests.push(path)
    const answer = answers(issuer)[path] ?? { status: 404 }
    if (answer.silent) return
    const body = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers })
    response.end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    issuer,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export function metadataOf(issuer: string, changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    issuer,
    jwks_uri: `${issuer}/jwks`,
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${issuer}/token`,
    code_challenge_methods_supported: ['S256'],
    ...changes,
  }
}
