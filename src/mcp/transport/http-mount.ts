import type { IncomingMessage } from 'node:http'
import Koa from 'koa'
import { createNodeHandler } from '../../core/koa/node-handler.ts'
import type { User } from '../../core/model/owner.ts'
import { type BodyProblem, readJsonBody } from '../../core/network/json-body.ts'
import { basePathOf } from '../../core/network/server-base-url.ts'
import { followRequest } from '../../core/telemetry/request-correlation.ts'
import type { McpMount } from './mcp-mount.ts'
import type { CheckedMountOptions } from './mount-options.ts'
import type { McpMountVault } from './mount-vault.ts'
import { type OpenResponse, openResponses } from './open-responses.ts'
import { onClose } from './response-close.ts'
import { createRunningCalls } from './running-calls.ts'
import { closeWithSocket, isClosed } from './web-exchange.ts'

/** One request to a mount, with a valid access token. */
export interface McpExchange {
  readonly ctx: Koa.Context
  /** Undefined for a request without a body. */
  readonly body: { readonly value: unknown } | undefined
  /** Undefined for a response that is not counted. */
  readonly open: OpenResponse | undefined
}

/** The MCP servers behind a mount. */
export interface MountedServers {
  readonly methods: readonly string[]
  answer(exchange: McpExchange): Promise<void>
  /** Ends streams of notifications. Called when the end begins, while calls still run. */
  endNotices?(): Promise<void>
  /** Ends what is still open. Called when no call runs any more. */
  close(): Promise<void>
}

/** Serves MCP over HTTP on Koa, behind the vault's bearer gate. Other paths pass through. Knows no SDK. */
export function httpMount(vault: McpMountVault, options: CheckedMountOptions, servers: MountedServers): McpMount {
  const { path, maxBodyBytes } = options
  const responses = openResponses({
    maxPerOwner: options.maxOpenResponsesPerOwner,
    maxUnreadBytesPerOwner: options.maxUnreadBytesPerOwner,
    writeTimeout: options.writeTimeoutSeconds * 1000,
  })
  const fullPath = basePathOf(vault.serverBaseUrl) + path
  const gate = vault.bearerGate()
  const calls = createRunningCalls()
  vault.onClose(async ({ deadline, cutOff }) => {
    const ended = calls.end(deadline)
    await servers.endNotices?.()
    cutOff?.(await ended)
    await servers.close()
    responses.close()
  })

  /** Returns the body of a POST. `ended`: there is none to serve; the client has its error, or is gone. */
  async function postedBody(ctx: Koa.Context, open: OpenResponse | undefined): Promise<McpExchange['body'] | 'ended'> {
    if (ctx.req.readableDidRead) answerReadAlready(ctx)
    else {
      const body = await readJsonBody(ctx.req, maxBodyBytes, { ...(open && { held: open }) })
      if (body !== 'aborted' && !body.problem) return body
      if (body !== 'aborted') answerProblem(ctx, body.problem)
    }
    return 'ended'
  }

  async function serve(ctx: Koa.Context): Promise<void> {
    const user: User = ctx.state['user']
    if (!servers.methods.includes(ctx.method)) return answerMethod(ctx, servers.methods.join(', '))
    const open = responses.open(user, ctx.req.socket)
    // Always accept DELETE, so that a client at its limit can close sessions.
    if (!open && ctx.method !== 'DELETE') {
      ctx.set('Retry-After', '10')
      return answerJson(ctx, 503, 'This user has too many responses open. Read or close some, then try again.')
    }
    if (isClosed(ctx)) return open?.closed()
    if (open) onClose(ctx.res, open)
    closeWithSocket(ctx.req, ctx.res)
    const body = ctx.method === 'POST' ? await postedBody(ctx, open) : undefined
    if (body === 'ended') return
    if (!calls.admits(ctx.method, body?.value)) return answerStopping(ctx)
    calls.begin(ctx, body?.value)
    // The access log reads it when the answer has been sent.
    ctx.state['request'] = followRequest(authInfoOf(ctx))
    await servers.answer({ ctx, body, open })
  }

  const mounted: Koa.Middleware = async (ctx, next) => {
    if (ctx.path !== fullPath) return next()
    return gate(ctx, () => serve(ctx))
  }
  return Object.assign(mounted, {
    nodeHandler: () => createNodeHandler(new Koa(), mounted, (asked) => asked === fullPath),
  })
}

/** Returns what the bearer gate has set. */
export function authInfoOf(ctx: Koa.Context): object | undefined {
  const { auth }: IncomingMessage & { auth?: object } = ctx.req
  return auth
}

/** Load balancers may send the request to another replica, since nothing was done. */
function answerStopping(ctx: Koa.Context): void {
  ctx.set({ 'Retry-After': '1', Connection: 'close' })
  answerJson(ctx, 503, 'This server is restarting and did not take the request. Send it again.')
}

const READ_ALREADY =
  'An MCP request was read by another body parser first. Put mcpMount, or its nodeHandler(), before the parser.'

/** A mistake of the application, so its error output says what to change. */
function answerReadAlready(ctx: Koa.Context): void {
  ctx.app.emit('error', new Error(READ_ALREADY), ctx)
  answerJson(ctx, 500, 'This server is not set up correctly.')
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

/** Answers with a JSON-RPC error that belongs to no request. */
export function answerJson(ctx: Koa.Context, status: number, message: string): void {
  ctx.status = status
  ctx.set('Cache-Control', 'no-store')
  ctx.body = { jsonrpc: '2.0', error: { code: status === 404 ? -32001 : -32000, message }, id: null }
}
