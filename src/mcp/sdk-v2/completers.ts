import type { McpServer, Server } from '@modelcontextprotocol/server'
import { type Completers, completersOf } from '../adapter/completers.ts'
import { carryingExtra } from '../adapter/completion-extra.ts'

type SetHandler = (method: unknown, handler: Parameters<typeof carryingExtra>[0], ...rest: unknown[]) => void

/** Makes the handler of `completion/complete` that the server is yet to be given pass the request's `ctx` to completers. */
export function carryExtraToCompleters(server: McpServer | Server, protocol: Server): Completers {
  return completersOf(server, protocol, () => {
    const set = protocol.setRequestHandler.bind(protocol) as SetHandler
    const carrying: SetHandler = (method, handler, ...rest) =>
      set(
        method,
        method === 'completion/complete' && typeof handler === 'function' ? carryingExtra(handler) : handler,
        ...rest,
      )
    protocol.setRequestHandler = carrying as Server['setRequestHandler']
  })
}
