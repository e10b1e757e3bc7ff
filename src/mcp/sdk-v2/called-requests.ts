import type { McpServer, Server } from '@modelcontextprotocol/server'
import type { ToolExtra } from './tool-handler.ts'

/** What a client requests, in the form in which it repeats it in each leg. */
export interface CalledRequest {
  readonly name?: unknown
  readonly uri?: unknown
  readonly arguments?: unknown
}

/** The requests that the client repeats while it is asked. */
const WITH_LEGS: ReadonlySet<unknown> = new Set(['tools/call', 'prompts/get', 'resources/read'])

// By the signal of the request, because the SDK gives handlers of tools another `ctx`.
const called = new WeakMap<AbortSignal, CalledRequest>()

type Handle = (request: { readonly params: CalledRequest }, ctx: ToolExtra) => unknown
type SetHandler = (method: unknown, handler: Handle, ...rest: unknown[]) => void

/**
 * Remembers what the client requests, for handlers that the server is yet to be given. The SDK passes a tool's handler only what the schema
 * has made of the arguments, which may differ each time, and no name.
 */
export function rememberRequests(protocol: Pick<McpServer['server'] | Server, 'setRequestHandler'>): void {
  const set = protocol.setRequestHandler.bind(protocol) as unknown as SetHandler
  const remembering: SetHandler = (method, handler, ...rest) => {
    const isRemembered = WITH_LEGS.has(method) && typeof handler === 'function'
    return set(method, isRemembered ? remembered(handler) : handler, ...rest)
  }
  Object.assign(protocol, { setRequestHandler: remembering })
}

function remembered(handler: Handle): Handle {
  return (request, ctx) => {
    const { name, uri, arguments: given } = request.params
    called.set(ctx.mcpReq.signal, { name, uri, arguments: given })
    return handler(request, ctx)
  }
}

/** Returns undefined if the server had its handler before its gate. */
export function requestOf({ mcpReq }: ToolExtra): CalledRequest | undefined {
  return called.get(mcpReq.signal)
}
