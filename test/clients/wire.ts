import type Koa from 'koa'

/** How a client is asked for a credential. */
export type Asked = 'its result' | 'a request' | 'error -32042' | 'error -32021' | 'text'

export interface CallsSeen {
  /** Revision of MCP that the calls named. */
  readonly revision: string
  readonly asked: readonly Asked[]
  /** Answered calls, up to the first that ran. */
  readonly calls: number
}

/** Hears what a server answers, so that all clients are judged alike. */
export interface Wire {
  listen(middleware: Koa.Middleware): Koa.Middleware
  seen(): CallsSeen
}

interface Exchange {
  readonly revision: string
  text: string
}

interface Message {
  readonly method?: string
  readonly error?: { readonly code: number }
  readonly result?: {
    readonly content?: unknown
    readonly isError?: boolean
    readonly resultType?: string
    readonly inputRequests?: unknown
  }
}

export function createWire(): Wire {
  const exchanges: Exchange[] = []
  return {
    listen: (middleware) => (ctx, next) => {
      if (ctx.method === 'POST') exchanges.push(recorded(ctx))
      return middleware(ctx, next)
    },
    seen() {
      const asked = new Set<Asked>()
      let calls = 0
      for (const { text, revision } of exchanges)
        for (const message of messagesOf(text)) {
          const way = wayOf(message)
          if (way) asked.add(way)
          if (isAnswer(message)) calls += 1
          if (message.result?.content && !message.result.isError) return { revision, asked: [...asked], calls }
        }
      return { revision: exchanges.at(-1)?.revision ?? '', asked: [...asked], calls }
    },
  }
}

/** Keeps what the response is given, whoever writes it. */
function recorded(ctx: Koa.Context): Exchange {
  const exchange: Exchange = { revision: ctx.get('mcp-protocol-version'), text: '' }
  for (const name of ['write', 'end'] as const) {
    const own = ctx.res[name]
    ctx.res[name] = (...given: unknown[]) => {
      const [part] = given
      if (typeof part === 'string' || part instanceof Uint8Array) exchange.text += Buffer.from(part).toString()
      return Reflect.apply(own, ctx.res, given)
    }
  }
  return exchange
}

/** The JSON-RPC messages of a JSON body, or of an event stream. */
function messagesOf(text: string): Message[] {
  if (text.startsWith('{')) return [JSON.parse(text)]
  return [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, data = '']) => JSON.parse(data))
}

/** Whether it ends a tool call, or a leg of one. */
function isAnswer({ result, error }: Message): boolean {
  return Boolean(result?.content) || result?.resultType === 'input_required' || error?.code === -32_042
}

function wayOf({ method, result, error }: Message): Asked | undefined {
  if (method === 'elicitation/create') return 'a request'
  if (error?.code === -32_042 || error?.code === -32_021) return `error ${error.code}`
  if (result?.inputRequests) return 'its result'
  if (result?.content && result.isError) return 'text'
  return undefined
}
