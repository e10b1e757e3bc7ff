import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { CompleteRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { type Completers, completersOf } from '../adapter/completers.ts'
import { carryingExtra } from '../adapter/completion-extra.ts'

type SetHandler = (schema: unknown, handler: Parameters<typeof carryingExtra>[0]) => void

/** Makes the handler of `completion/complete` that the server is yet to be given pass the request's `extra` to completers. */
export function carryExtraToCompleters(server: McpServer | Server, protocol: Server): Completers {
  return completersOf(server, protocol, () => {
    const set = protocol.setRequestHandler.bind(protocol) as SetHandler
    const carrying: SetHandler = (schema, handler) =>
      set(schema, schema === CompleteRequestSchema ? carryingExtra(handler) : handler)
    protocol.setRequestHandler = carrying as Server['setRequestHandler']
  })
}
