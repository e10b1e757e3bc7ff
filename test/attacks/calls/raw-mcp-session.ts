/** A session of MCP 2025-11-25 whose requests are made by hand, so that they can be wrong. */
export interface RawSession {
  readonly sessionId: string
  /** A call of the ungated tool `open` for POST; nothing else for the other methods. */
  send(request: RawMcpRequest): Promise<{ readonly status: number; readonly text: string; readonly headers: Headers }>
}

export interface RawMcpRequest {
  readonly method: string
  /** Default: the session's own. */
  readonly token?: string | undefined
  readonly sessionId?: string
}

export async function openRawSession(baseUrl: string, ownToken: string): Promise<RawSession> {
  const request = (method: string, body: unknown, headers: Record<string, string>) =>
    fetch(`${baseUrl}/mcp`, {
      method,
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
      ...(method === 'POST' ? { body: JSON.stringify(body) } : {}),
      signal: AbortSignal.timeout(60_000),
    })
  const opened = await request(
    'POST',
    {
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
    },
    { authorization: `Bearer ${ownToken}` },
  )
  await opened.text()
  const sessionId = opened.headers.get('mcp-session-id') ?? ''
  let id = 0
  return {
    sessionId,
    async send(wanted) {
      const token = 'token' in wanted ? wanted.token : ownToken
      id += 1
      const call = { jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'open', arguments: {} } }
      const response = await request(wanted.method, call, {
        'mcp-protocol-version': '2025-11-25',
        'mcp-session-id': wanted.sessionId ?? sessionId,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      })
      return { status: response.status, text: await response.text(), headers: response.headers }
    },
  }
}
