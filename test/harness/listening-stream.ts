import { MODERN } from './sdk-v2.ts'

export interface StreamMessage {
  readonly method?: string
  readonly id?: unknown
  readonly result?: object
  readonly params?: { readonly uri?: string; readonly _meta?: Record<string, unknown>; readonly notifications?: object }
}

/** A stream of `subscriptions/listen`, read as it comes. */
export interface ListeningStream {
  readonly response: Response
  readonly messages: StreamMessage[]
  readonly state: 'open' | 'ended' | 'cut off'
  readonly text: string
  readonly ended: Promise<'ended' | 'cut off'>
  close(): void
}

/** What a client says of itself in each request. */
export interface ClientFacts {
  readonly info: object
  readonly capabilities: object
}

const RAW: ClientFacts = { info: { name: 'Raw Client', version: '1.0.0' }, capabilities: {} }

/** Sends `subscriptions/listen` by hand, with the id `my-stream`. Without a token the request has none. */
export async function listen(
  url: string,
  token: string | undefined,
  notifications: object,
  client = RAW,
): Promise<ListeningStream> {
  const gone = new AbortController()
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': MODERN,
      'mcp-method': 'subscriptions/listen',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 'my-stream',
      method: 'subscriptions/listen',
      params: {
        notifications,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': MODERN,
          'io.modelcontextprotocol/clientInfo': client.info,
          'io.modelcontextprotocol/clientCapabilities': client.capabilities,
        },
      },
    }),
    signal: gone.signal,
  })
  const messages: StreamMessage[] = []
  let text = ''
  const read = async (): Promise<'ended'> => {
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk
      const all = [...text.matchAll(/^data: (.+)$/gm)].map(([, data = '']): StreamMessage => JSON.parse(data))
      messages.splice(0, messages.length, ...all)
    }
    return 'ended'
  }
  let state: ListeningStream['state'] = 'open'
  const ended = read().catch((): 'cut off' => 'cut off')
  void ended.then((how) => {
    state = how
  })
  return {
    response,
    messages,
    get state() {
      return state
    },
    get text() {
      return text
    },
    ended,
    close: () => gone.abort(),
  }
}
