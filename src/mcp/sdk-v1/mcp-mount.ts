import type { IncomingMessage } from 'node:http'
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js'
import type { ServerOptions } from '@modelcontextprotocol/sdk/server/index.js'
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv'
import type Koa from 'koa'
import { z } from 'zod'
import { followRequest } from '../../core/gate/request-ids.ts'
import { type OptionSchemas, parseOptions } from '../../core/model/options.ts'
import type { User } from '../../core/model/owner.ts'
import { type BodyProblem, readJsonBody } from '../../core/network/json-body.ts'
import { basePathOf } from '../../core/network/server-base-url.ts'
import type { KoaMiddleware } from '../../core/ports/koa.ts'
import type { OperationMeter } from '../../core/ports/telemetry.ts'
import { closeWithSocket } from '../transport/close-with-socket.ts'
import { type HttpMountOptions, httpMountOptions } from '../transport/mount-options.ts'
import { type OpenResponse, openResponses } from '../transport/open-responses.ts'
import { createRunningCalls } from '../transport/running-calls.ts'
import { isClosed, sendWebResponse, toWebRequest } from '../transport/web-exchange.ts'
import { asTransport, closeQuietly, mcpSessions } from './mcp-sessions.ts'
import { connectMeasured } from './measured-connection.ts'

/** Makes one server for one connection. Pass `options` to it, so that all servers share one schema validator. */
export type CreateServer = (options: ServerOptions) => McpServer | Promise<McpServer>

export interface McpMountOptions extends HttpMountOptions {
  /**
   * `sessionful` keeps a session for each client, so that tools can ask and wait. `stateless` makes a server for each request; gated
   * tools then answer with error -32042 and the link. Default `sessionful`.
   */
  readonly mode?: 'sessionful' | 'stateless'
}

/** The parts of a vault that the mount uses. */
export interface McpMountVault {
  readonly serverBaseUrl: URL
  /** Admits only requests with a valid access token and stores the user in `ctx.state.user`. */
  bearerGate(): KoaMiddleware
  onClose(
    end: (closing: { readonly deadline: AbortSignal; readonly cutOff?: (calls: number) => void }) => Promise<void>,
  ): void
  /** Measures what the mount is asked. Default: nothing is measured. */
  readonly operations?: OperationMeter
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
export function mcpMount(
  vault: McpMountVault,
  createServer: CreateServer,
  options: McpMountOptions = {},
): KoaMiddleware {
  const checked = parseOptions(optionsSchema, options, 'mcpMount')
  const { path, mode, maxSessions, maxSessionsPerOwner, sessionIdleSeconds, maxBodyBytes } = checked
  const responses = openResponses({
    maxPerOwner: checked.maxOpenResponsesPerOwner,
    maxUnreadBytesPerOwner: checked.maxUnreadBytesPerOwner,
    writeTimeout: checked.writeTimeoutSeconds * 1000,
  })
  const fullPath = basePathOf(vault.serverBaseUrl) + path
  const gate = vault.bearerGate()
  const sessions = mcpSessions({
    maxSessions,
    maxSessionsPerOwner,
    idleSeconds: sessionIdleSeconds,
    operations: vault.operations,
  })
  const calls = createRunningCalls()
  vault.onClose(async ({ deadline, cutOff }) => {
    cutOff?.(await calls.end(deadline))
    await sessions.close()
    responses.close()
  })
  // Shared, because each McpServer would otherwise build its own validator.
  const serverOptions: ServerOptions = { jsonSchemaValidator: new AjvJsonSchemaValidator() }

  async function serve(ctx: Koa.Context): Promise<void> {
    const user: User = ctx.state['user']
    const methods = mode === 'stateless' ? ['POST'] : ['GET', 'POST', 'DELETE']
    if (!methods.includes(ctx.method)) return answerMethod(ctx, methods.join(', '))
    const open = responses.open(user, () => ctx.req.socket.destroy())
    // Always accept DELETE, so that a client at its limit can close sessions.
    if (!open && ctx.method !== 'DELETE') {
      ctx.set('Retry-After', '10')
      return answerJson(ctx, 503, 'This user has too many responses open. Read or close some, then try again.')
    }
    if (isClosed(ctx)) return open?.closed()
    if (open) ctx.res.once('close', open.closed)
    closeWithSocket(ctx.req, ctx.res)
    const body =
      ctx.method === 'POST' ? await readJsonBody(ctx.req, maxBodyBytes, { ...(open && { held: open }) }) : undefined
    if (body === 'aborted') return
    if (body?.problem) return answerProblem(ctx, body.problem)
    await answer(ctx, body, open)
  }

  async function answer(ctx: Koa.Context, body: PostedBody, open: OpenResponse | undefined): Promise<void> {
    if (!calls.admits(ctx.method, body?.value)) return answerStopping(ctx)
    calls.begin(ctx, body?.value)
    // The access log reads it when the answer has been sent.
    ctx.state['request'] = followRequest(authInfoOf(ctx))
    await (mode === 'stateless' ? serveOnce(ctx, body, open) : serveSession(ctx, body, open))
  }

  async function serveOnce(ctx: Koa.Context, body: PostedBody, open: OpenResponse | undefined): Promise<void> {
    const transport = new WebStandardStreamableHTTPServerTransport({})
    const server = await createServer(serverOptions)
    await connectMeasured(server, asTransport(transport), vault.operations)
    const response = await transport.handleRequest(toWebRequest(ctx, vault.serverBaseUrl), handlingOf(ctx, body))
    return sendWebResponse(ctx, response, { open, onEnd: () => void closeQuietly(transport) })
  }

  async function serveSession(ctx: Koa.Context, body: PostedBody, open: OpenResponse | undefined): Promise<void> {
    const user: User = ctx.state['user']
    const sessionId = ctx.get('mcp-session-id')
    const begins = sessionId === '' && isInitialize(body?.value)
    const session = begins
      ? await sessions.create(() => createServer(serverOptions), user)
      : sessions.find(sessionId, user)
    if (!session) {
      if (sessionId !== '') return answerJson(ctx, 404, SESSION_NOT_FOUND)
      if (!begins) return answerJson(ctx, 400, 'Bad Request: Mcp-Session-Id header is required')
      ctx.set('Retry-After', '30')
      return answerJson(ctx, 503, 'This server has no room for another session. Try again later.')
    }
    session.open += 1
    session.lastUsed = Date.now()
    const release = () => {
      session.open -= 1
      session.lastUsed = Date.now()
    }
    const request = toWebRequest(ctx, vault.serverBaseUrl)
    const response = await session.transport.handleRequest(request, handlingOf(ctx, body)).catch((error: unknown) => {
      release()
      throw error
    })
    // The transport refused this initialize and has no session, so its server must be closed here.
    if (session.transport.sessionId === undefined) await closeQuietly(session.transport)
    // Not awaited, since a call that waits for its user would keep this request's objects in memory.
    return sendWebResponse(ctx, response, { open, onEnd: release })
  }

  const mounted: Koa.Middleware = async (ctx, next) => {
    if (ctx.path !== fullPath) return next()
    return gate(ctx, () => serve(ctx))
  }
  return mounted
}

/** The session has ended, belongs to another user, or lives in another process. The text does not say which. */
const SESSION_NOT_FOUND =
  'Session not found. Sessions end when they are idle and when the server restarts, and each process knows only its own. Connect again, then ask your assistant again.'

/** Load balancers may send the request to another replica, since nothing was done. */
function answerStopping(ctx: Koa.Context): void {
  ctx.set({ 'Retry-After': '1', Connection: 'close' })
  answerJson(ctx, 503, 'This server is restarting and did not take the request. Send it again.')
}

function isInitialize(message: unknown): boolean {
  const first = Array.isArray(message) ? message[0] : message
  return typeof first === 'object' && first !== null && 'method' in first && first.method === 'initialize'
}

/** Undefined for a request without a body. */
type PostedBody = { readonly value: unknown } | undefined

/** Additional parameters for the SDK's transport. */
function handlingOf(
  ctx: Koa.Context,
  body: PostedBody,
): { readonly authInfo?: AuthInfo; readonly parsedBody?: unknown } {
  const auth = authInfoOf(ctx)
  return { ...(auth && { authInfo: auth }), ...(body && { parsedBody: body.value }) }
}

function authInfoOf(ctx: Koa.Context): AuthInfo | undefined {
  const { auth }: IncomingMessage & { auth?: AuthInfo } = ctx.req
  return auth
}

function answerProblem(ctx: Koa.Context, { status, message }: BodyProblem): void {
  // The unread rest of the body would be taken for the next request on the connection.
  if (status === 413) ctx.set('Connection', 'close')
  answerJson(ctx, status, message)
}

function answerMethod(ctx: Koa.Context, allow: string): void {
  ctx.set('Allow', allow)
  answerJson(ctx, 405, 'Method not allowed')
}

function answerJson(ctx: Koa.Context, status: number, message: string): void {
  ctx.status = status
  ctx.set('Cache-Control', 'no-store')
  ctx.body = { jsonrpc: '2.0', error: { code: status === 404 ? -32001 : -32000, message }, id: null }
}
