import { randomUUID } from 'node:crypto'
import {
  createMcpHandler,
  type HandleRequestOptions,
  isJsonContentType,
  isLegacyRequest,
  type McpRequestContext,
  type McpServer,
  type Server,
  type ServerEventBus,
  type ServerOptions,
  type Transport,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/server/validators/ajv'
import { z } from 'zod'
import { processWarning } from '../../core/host/process-warning.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import { type OptionSchemas, parseOptions } from '../../core/model/options.ts'
import { answerJson, httpMount, type McpExchange } from '../transport/http-mount.ts'
import type { McpMount } from '../transport/mcp-mount.ts'
import { mcpSessions } from '../transport/mcp-sessions.ts'
import { connectMeasured } from '../transport/measured-connection.ts'
import { type HttpMountOptions, httpMountOptions } from '../transport/mount-options.ts'
import type { McpMountVault } from '../transport/mount-vault.ts'
import { isListening } from '../transport/running-calls.ts'
import { handlingOf, serveSession, serveStateless } from '../transport/serve-session.ts'
import { closeSignal, sendWebResponse, toWebRequest } from '../transport/web-exchange.ts'
import { refuseForeignServer } from './foreign-server.ts'

/**
 * Makes one server: for each request of MCP 2026-07-28, and for each connection of MCP 2025-11-25. Pass `options` to it, so that all servers
 * share one schema validator. Register the same tools each time.
 */
export type CreateServer = (options: ServerOptions) => McpServer | Server | Promise<McpServer | Server>

export interface McpMountOptions extends HttpMountOptions {
  /**
   * How clients of MCP 2025-11-25 are served. `sessionful` keeps a session for each, so that tools can ask and wait. `stateless` makes a server
   * for each request; gated tools then answer with error -32042 and the link. Default `sessionful`.
   */
  readonly legacy?: 'sessionful' | 'stateless'
  /** Most event streams of `subscriptions/listen` (MCP 2026-07-28) open at once, 1 to 1000000. Default 1024. */
  readonly maxSubscriptions?: number
  /**
   * Where changes are published for event streams of `subscriptions/listen`: `bus.publish({ kind: 'tools_list_changed' })`. With several replicas,
   * a `ServerEventBus` over what they share. Default: one that nobody publishes on.
   */
  readonly bus?: ServerEventBus
}

const optionsSchema = z.strictObject({
  ...httpMountOptions,
  legacy: z.enum(['sessionful', 'stateless']).default('sessionful'),
  maxSubscriptions: z.int().min(1).max(1_000_000).default(1024),
  bus: z
    .custom<ServerEventBus>(
      (value) => isBus(value),
      'must have the functions publish and subscribe, as a ServerEventBus has',
    )
    .optional(),
} satisfies OptionSchemas<McpMountOptions>)

/**
 * Serves Streamable HTTP on Koa, behind the vault's bearer gate: clients of MCP 2026-07-28 and of MCP 2025-11-25 on one path. Other paths
 * pass through. A client of MCP 2026-07-28 that disconnects cancels its request.
 *
 * @throws `configuration_invalid` (`reason: 'sdk_copies'`), at the first request, if `createServer` returns a server of another installed
 *   copy of the SDK
 * @example
 * ```ts
 * import { McpServer } from '@modelcontextprotocol/server'
 * import { mcpMount } from 'mcp-credential-vault/mcp/sdk-v2'
 *
 * vault.register(app)
 * app.use(mcpMount(vault, (options) => new McpServer({ name: 'jira', version: '1.0.0' }, options)))
 * ```
 */
export function mcpMount(vault: McpMountVault, createServer: CreateServer, options: McpMountOptions = {}): McpMount {
  const checked = parseOptions(optionsSchema, options, 'mcpMount')
  const { legacy, maxSubscriptions, bus, maxSessions, maxSessionsPerOwner, sessionIdleSeconds } = checked
  const { serverBaseUrl, operations } = vault
  // Shared, because each server would otherwise build its own validator.
  const serverOptions: ServerOptions = { jsonSchemaValidator: new AjvJsonSchemaValidator() }

  /** The SDK's HTTP entry connects the servers of MCP 2026-07-28 itself, so each measures its own connection. */
  async function makeServer(): Promise<McpServer | Server> {
    const server = await createServer(serverOptions)
    refuseForeignServer(server, 'mcpMount')
    const connect = server.connect.bind(server)
    server.connect = (transport: Transport) => connectMeasured(() => connect(transport), transport, operations)
    return server
  }

  const sessions = mcpSessions({
    ...{ maxSessions, maxSessionsPerOwner, idleSeconds: sessionIdleSeconds },
    makeTransport: (onsessioninitialized) =>
      new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: randomUUID, onsessioninitialized }),
    connect: (server: McpServer | Server, transport) => server.connect(asTransport(transport)),
  })
  const makeHandler = () =>
    createMcpHandler((_: McpRequestContext) => makeServer(), {
      legacy: 'reject',
      maxSubscriptions,
      ...(bus && { bus }),
      onerror: (error) => {
        if (isCredentialVaultError(error)) processWarning(error.message)
      },
    })
  const modern = makeHandler()
  // A handler ends its calls together with its streams of notifications, which are to end first.
  const listening = makeHandler()

  async function serveOnce(exchange: McpExchange): Promise<void> {
    const transport = new WebStandardStreamableHTTPServerTransport({})
    const server = await makeServer()
    await server.connect(asTransport(transport))
    return serveStateless({ serverBaseUrl, transport }, exchange)
  }

  async function answer(exchange: McpExchange): Promise<void> {
    const { ctx, body, open } = exchange
    if (ctx.method === 'POST' && !isJsonContentType(ctx.get('content-type')))
      return answerJson(ctx, 415, 'Unsupported Media Type: Content-Type must be application/json')
    const request = toWebRequest(ctx, serverBaseUrl, closeSignal(ctx))
    if (await isLegacyRequest(request, body?.value))
      return legacy === 'stateless'
        ? serveOnce(exchange)
        : serveSession({ sessions, serverBaseUrl, makeServer }, exchange)
    const handler = isListening(body?.value) ? listening : modern
    const response = await handler.fetch(request, handlingOf(exchange) as HandleRequestOptions)
    return sendWebResponse(ctx, response, { open })
  }

  return httpMount(vault, checked, {
    methods: legacy === 'stateless' ? ['POST'] : ['GET', 'POST', 'DELETE'],
    answer,
    endNotices: () => listening.close(),
    async close() {
      await sessions.close()
      await modern.close()
      // Ends a stream that has just been opened.
      await listening.close()
    },
  })
}

function isBus(value: unknown): boolean {
  const { publish, subscribe } = (value ?? {}) as Partial<ServerEventBus>
  return typeof publish === 'function' && typeof subscribe === 'function'
}

// Under exactOptionalPropertyTypes the class's `onclose` is not assignable to that of the SDK's own interface.
function asTransport(transport: WebStandardStreamableHTTPServerTransport): Transport {
  return transport as Transport
}
