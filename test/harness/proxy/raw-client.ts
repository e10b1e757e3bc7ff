/** A client whose requests are made by hand, so that they can be wrong. */
export interface RawClient {
  readonly sessionId: string
  /** Answers of all requests, with their headers, as one text. */
  readonly everything: () => string
  send(request: RawRequest): Promise<RawAnswer>
}

export interface RawRequest {
  readonly method?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly token?: string
  readonly sessionId?: string
  readonly signal?: AbortSignal
}

export interface RawAnswer {
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

export async function openRawClient(
  url: string,
  ownToken: string,
  capabilities: object = {},
  headersOfAll: Readonly<Record<string, string>> = {},
): Promise<RawClient> {
  const answers: string[] = []
  const request = async ({ method = 'POST', body, headers, token = ownToken, sessionId, signal }: RawRequest) => {
    const response = await fetch(url, {
      method,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headersOfAll,
        ...headers,
        authorization: `Bearer ${token}`,
        ...(sessionId !== undefined && { 'mcp-session-id': sessionId }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal ?? AbortSignal.timeout(60_000),
    })
    const text = await response.text()
    answers.push(JSON.stringify([...response.headers]), text)
    return { status: response.status, text, headers: response.headers }
  }
  const opened = await request({
    body: {
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 'raw', version: '1' } },
    },
  })
  const sessionId = opened.headers.get('mcp-session-id') ?? ''
  return {
    sessionId,
    everything: () => answers.join('\n'),
    send: (given) => request({ sessionId, ...given }),
  }
}

export function rpc(id: number, method: string, params: object = {}): object {
  return { jsonrpc: '2.0', id, method, params }
}

export const CALL = rpc(1, 'tools/call', { name: 'who_am_i', arguments: {} })
