import { Agent, request } from 'undici'

/** One client's session, driven with as little work as possible, so that the server is what is measured. */
export interface BenchSession {
  /**
   * Text of the tool's answer. Answers URL elicitation with `accept` and hands its link on. Rejects with what the server answered in place
   * of a result.
   */
  call(tool: string, onLink?: (link: string) => void, signal?: AbortSignal): Promise<string>
}

/** A session that also has a standing stream, and an end. */
export interface OpenedBenchSession extends BenchSession {
  /** Opens the standing stream. What comes on it is not read. */
  listen(): Promise<void>
  end(): Promise<void>
}

const agent = new Agent({ pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })

export async function openBenchSession(url: string, token: string): Promise<OpenedBenchSession> {
  const headers: Record<string, string> = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2025-11-25',
  }
  const post = async (message: object, signal?: AbortSignal) =>
    request(url, {
      method: 'POST',
      dispatcher: agent,
      headers,
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
      ...(signal && { signal }),
    })
  const opened = await post({
    id: 0,
    method: 'initialize',
    params: {
      protocolVersion: '2025-11-25',
      capabilities: { elicitation: { url: {} } },
      clientInfo: { name: 'bench', version: '1' },
    },
  })
  await opened.body.dump()
  if (opened.statusCode !== 200) throw new Error(`the server opened no session: ${opened.statusCode}`)
  const session = opened.headers['mcp-session-id']
  if (session !== undefined) headers['mcp-session-id'] = String(session)
  await (await post({ method: 'notifications/initialized' })).body.dump()

  const ended = new AbortController()
  const bare = async (method: 'GET' | 'DELETE') => {
    const { 'content-type': _, ...own } = headers
    const answer = await request(url, { method, dispatcher: agent, headers: own, signal: ended.signal })
    if (answer.statusCode >= 300) throw new Error(`the server answered ${method} with ${answer.statusCode}`)
    return answer.body
  }
  let id = 0
  return {
    async listen() {
      const body = await bare('GET')
      body.on('error', () => undefined)
    },
    async end() {
      await (await bare('DELETE')).dump()
      ended.abort()
    },
    async call(tool, onLink, signal) {
      id += 1
      const params = { name: tool, arguments: {}, _meta: { progressToken: id } }
      const answer = await post({ id, method: 'tools/call', params }, signal)
      if (answer.headers['content-type']?.includes('application/json')) return textIn(tool, await answer.body.json())
      let text = ''
      for await (const chunk of answer.body) {
        text += String(chunk).replaceAll('\r\n', '\n')
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          const data = /^data: (.*)$/m.exec(text.slice(0, end))?.[1]
          text = text.slice(end + 2)
          if (data === undefined || data === '') continue
          const message: {
            id?: unknown
            method?: string
            params?: { url?: string }
            result?: { content: { text: string }[] }
            error?: unknown
          } = JSON.parse(data)
          if (message.method === 'elicitation/create') {
            await (await post({ id: message.id, result: { action: 'accept' } })).body.dump()
            onLink?.(message.params?.url ?? '')
          }
          if (message.error && message.id === id)
            throw new Error(`the call of ${tool} was refused: ${JSON.stringify(message.error)}`)
          if (message.result && message.id === id) return message.result.content[0]?.text ?? ''
        }
      }
      throw new Error(`the call of ${tool} was not answered: ${answer.statusCode} ${text}`)
    },
  }
}

/** The text of an answer that came without a stream. */
function textIn(tool: string, answer: unknown): string {
  const { result } = answer as { result?: { content: { text: string }[] } }
  if (!result) throw new Error(`the call of ${tool} was refused: ${JSON.stringify(answer)}`)
  return result.content[0]?.text ?? ''
}

/** One client of MCP 2026-07-28, whose credential is stored: each call is one request. */
export function modernBenchSession(url: string, token: string): Pick<BenchSession, 'call'> {
  const revision = '2026-07-28'
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': revision,
    'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': { elicitation: { url: {} } },
  }
  let id = 0
  return {
    async call(tool) {
      id += 1
      const answer = await request(url, {
        method: 'POST',
        dispatcher: agent,
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': revision,
          'mcp-method': 'tools/call',
          'mcp-name': tool,
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id,
          method: 'tools/call',
          params: { name: tool, arguments: {}, _meta },
        }),
      })
      const text = await answer.body.text()
      const message: { result?: { content?: { text: string }[] } } = text.startsWith('{') ? JSON.parse(text) : {}
      const first = message.result?.content?.[0]?.text
      if (first === undefined) throw new Error(`the call of ${tool} was answered with ${answer.statusCode}: ${text}`)
      return first
    },
  }
}
