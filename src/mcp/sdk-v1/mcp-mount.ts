import { randomUUID } from 'node:crypto'
import type { ServerOptions } from '@modelcontextprotocol/sdk/server/index.js'
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv'
import { z } from 'zod'
import { type OptionSchemas, parseOptions } from '../../core/model/options.ts'
import { httpMount, type McpExchange } from '../transport/http-mount.ts'
import type { McpMount } from '../transport/mcp-mount.ts'
import { mcpSessions } from '../transport/mcp-sessions.ts'
import { connectMeasured } from '../transport/measured-connection.ts'
import { type HttpMountOptions, httpMountOptions } from '../transport/mount-options.ts'
import type { McpMountVault } from '../transport/mount-vault.ts'
import { serveSession, serveStateless } from '../transport/serve-session.ts'

/** Makes one server for one connection. Pass `options` to it, so that all servers share one schema validator. */
export type CreateServer = (options: ServerOptions) => McpServer | Promise<McpServer>

export interface McpMountOptions extends HttpMountOptions {
  /**
   * `sessionful` keeps a session for each client, so that tools can ask and wait. `stateless` makes a server for each request; gated
   * tools then answer with error -32042 and the link. Default `sessionful`.
   */
  readonly mode?: 'sessionful' | 'stateless'
}

const optionsSchema = z.strictObject({
  ...httpMountOptions,
  mode: z.enum(['sessionful', 'stateless']).default('sessionful'),
} satisfies OptionSchemas<McpMountOptions>)

/**
 * Serves Streamable HTTP (MCP 2025-11-25) on Koa, behind the vault's bearer gate. Other paths pass through.
 *
 * @example
 * ```ts
 * import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
 * import { mcpMount } from 'mcp-credential-vault/mcp/sdk-v1'
 *
 * vault.register(app)
 * app.use(mcpMount(vault, (options) => new McpServer({ name: 'jira', version: '1.0.0' }, options)))
 * ```
 */
export function mcpMount(vault: McpMountVault, createServer: CreateServer, options: McpMountOptions = {}): McpMount {
  const checked = parseOptions(optionsSchema, options, 'mcpMount')
  const { mode, maxSessions, maxSessionsPerOwner, sessionIdleSeconds } = checked
  const { serverBaseUrl, operations } = vault
  const connect = (server: McpServer, transport: WebStandardStreamableHTTPServerTransport) =>
    connectMeasured(() => server.connect(asTransport(transport)), transport, operations)
  const sessions = mcpSessions({
    ...{ maxSessions, maxSessionsPerOwner, idleSeconds: sessionIdleSeconds, connect },
    makeTransport: (onsessioninitialized) =>
      new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: randomUUID, onsessioninitialized }),
  })
  // Shared, because each McpServer would otherwise build its own validator.
  const serverOptions: ServerOptions = { jsonSchemaValidator: new AjvJsonSchemaValidator() }
  const makeServer = () => createServer(serverOptions)

  async function serveOnce(exchange: McpExchange): Promise<void> {
    const transport = new WebStandardStreamableHTTPServerTransport({})
    await connect(await makeServer(), transport)
    return serveStateless({ serverBaseUrl, transport }, exchange)
  }

  return httpMount(vault, checked, {
    methods: mode === 'stateless' ? ['POST'] : ['GET', 'POST', 'DELETE'],
    answer: (exchange) =>
      mode === 'stateless' ? serveOnce(exchange) : serveSession({ sessions, serverBaseUrl, makeServer }, exchange),
    close: () => sessions.close(),
  })
}

// Under exactOptionalPropertyTypes the class's `onclose` is not assignable to that of the SDK's own interface.
function asTransport(transport: WebStandardStreamableHTTPServerTransport): Parameters<McpServer['connect']>[0] {
  return transport as Parameters<McpServer['connect']>[0]
}
