import { isJsonObject } from '../../core/model/json.ts'
import { isAnswer, type Message, type Request } from '../upstream/message.ts'
import type { UpstreamAnswer } from '../upstream/upstream.ts'
import { encodedValue, parameterHeader } from './request-headers.ts'

/** Which arguments of a server's tools travel in headers too, as the tools' schemas say (`x-mcp-header`). */
export interface DeclaredParameters {
  /** Takes note of the tools in an answer to `tools/list`. */
  learn(answer: Message): void
  /** Asks the server for its tools, for a client that has not. */
  load(send: (request: Request) => Promise<UpstreamAnswer>): Promise<void>
  headersOf(request: Request): Readonly<Record<string, string>>
}

interface Parameter {
  readonly path: readonly string[]
  readonly header: string
}

const MAX_PAGES = 20
const MAX_DEPTH = 16
/** The names of the headers are the server's choice. */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/

export function createDeclaredParameters(): DeclaredParameters {
  const tools = new Map<string, readonly Parameter[]>()

  function learn({ result }: Message): void {
    const listed = isJsonObject(result) && Array.isArray(result['tools']) ? result['tools'] : []
    for (const tool of listed.filter(isJsonObject))
      if (typeof tool['name'] === 'string') tools.set(tool['name'], parametersIn(tool['inputSchema'], []))
  }

  return {
    learn,
    async load(send) {
      let cursor: unknown
      for (let page = 0; page < MAX_PAGES; page += 1) {
        const params = typeof cursor === 'string' ? { cursor } : {}
        const { events } = await send({ jsonrpc: '2.0', id: `tools ${page}`, method: 'tools/list', params })
        cursor = undefined
        for await (const { message } of events) {
          if (!message || !isAnswer(message)) continue
          learn(message)
          cursor = isJsonObject(message.result) ? message.result['nextCursor'] : undefined
        }
        if (cursor === undefined) return
      }
    },
    headersOf({ method, params }) {
      const name = method === 'tools/call' ? params?.['name'] : undefined
      const parameters = typeof name === 'string' ? (tools.get(name) ?? []) : []
      return Object.fromEntries(
        parameters.flatMap(({ path, header }) => {
          const text = textOf(valueAt(params?.['arguments'], path))
          return text === undefined ? [] : [[parameterHeader(header), encodedValue(text)]]
        }),
      )
    },
  }
}

function parametersIn(schema: unknown, path: readonly string[]): readonly Parameter[] {
  if (!isJsonObject(schema) || path.length > MAX_DEPTH) return []
  const { 'x-mcp-header': header, properties } = schema
  const own = typeof header === 'string' && NAME.test(header) && path.length > 0 ? [{ path, header }] : []
  const below = isJsonObject(properties) ? Object.entries(properties) : []
  return [...own, ...below.flatMap(([key, child]) => parametersIn(child, [...path, key]))]
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (isJsonObject(at) && Object.hasOwn(at, key) ? at[key] : undefined), value)
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : undefined
}
