import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { type CallToolResult, UrlElicitationRequiredError } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import { type CompletionNotices, createCompletionNotices } from '../../core/gate/completion-notices.ts'
import { accountOf, type GateOutcome, passGate } from '../../core/gate/gate.ts'
import type { GatedProvider } from '../../core/gate/gated-provider.ts'
import { callOf, createToolCall } from '../../core/gate/tool-call.ts'
import { type OptionSchemas, parseOptions } from '../../core/model/options.ts'
import { guardedExtra } from './guarded-extra.ts'
import { refuseForeignServer } from './same-sdk.ts'
import { sdkClientPort } from './sdk-client-port.ts'
import type { GatedHandler, ToolExtra, ToolHandler, ToolParameters } from './tool-handler.ts'

export interface GateOptions<P extends ToolParameters = ToolParameters> {
  /**
   * Which of the provider's `accounts` the call needs: its name, or a function of the handler's first parameter, the tool's arguments, which
   * returns undefined for the account without a name. `getCredentials(extra)` then returns that one. Default: the account without a name.
   */
  readonly account?: string | ((args: P[0]) => string | undefined | Promise<string | undefined>)
  /** Answers immediately with JSON-RPC error -32042 and the link instead of waiting for the user. Default false. */
  readonly failFast?: boolean
  /**
   * Run the handler once more, from the top, after the service rejected the credential and its owner entered another one. False for a handler
   * that may have changed something by then: its own answer is returned, and the next call asks the owner. Default true.
   */
  readonly retry?: boolean
  /** Name of the tool for the form and the audit log, 1 to 128 characters, since the SDK does not pass it to handlers. */
  readonly tool?: string
}

const gateOptions = z.strictObject({
  account: z
    .custom<GateOptions['account']>(
      (value) => typeof value === 'string' || typeof value === 'function',
      'must be the name of an account, or a function that returns one',
    )
    .optional(),
  failFast: z.boolean().optional(),
  retry: z.boolean().optional(),
  tool: z.string().min(1).max(128).optional(),
} satisfies OptionSchemas<GateOptions>)

/**
 * Wraps a tool handler so that it runs only once the caller's own credential for `provider` is stored. Works for handlers with arguments,
 * `(args, extra)`, and without, `(extra)`. Call the returned function with the SDK's own `extra` as last parameter, as `registerTool` does.
 */
export interface RequireCredentials {
  <P extends ToolParameters>(provider: GatedProvider, handler: ToolHandler<P>): GatedHandler<P>
  <P extends ToolParameters>(provider: GatedProvider, options: GateOptions<P>, handler: ToolHandler<P>): GatedHandler<P>
}

/**
 * Makes the gate for one `McpServer` of `@modelcontextprotocol/sdk` 1.x, or for one low-level `Server`. Call it once per server.
 *
 * On a low-level `Server`, call the wrapped handler from the handler of `tools/call`, with that handler's `extra` as last parameter. An
 * error that the tool throws is then answered as a JSON-RPC error, since the low-level `Server` does not convert it into a tool's error.
 *
 * The answer to a call without a credential depends on the client: URL elicitation and a wait, error -32042 with the link, or a text with
 * the link. No client gets a mode that it did not declare (MCP 2025-11-25, elicitation).
 *
 * @throws `configuration_invalid` (`reason: 'sdk_copies'`) for a server of another installed copy of the SDK
 * @example
 * ```ts
 * import { credentialGate } from 'mcp-credential-vault/mcp/sdk-v1'
 *
 * const requireCredentials = credentialGate(server)
 * server.registerTool(
 *   'who_am_i',
 *   { description: 'Says who you are in Jira.' },
 *   requireCredentials(jira, { tool: 'who_am_i' }, async (extra) => {
 *     const answer = await jira.getCredentials(extra).fetch('/rest/api/2/myself')
 *     if (!answer.ok) throw new Error(`Jira answered ${answer.status}.`)
 *     return { content: [{ type: 'text', text: await answer.text() }] }
 *   }),
 * )
 * ```
 */
export function credentialGate(server: McpServer | Server): RequireCredentials {
  refuseForeignServer(server)
  const protocol = 'server' in server ? server.server : server
  const notices = noticesUntilClosed(protocol)

  return <P extends ToolParameters>(
    provider: GatedProvider,
    ...rest: [ToolHandler<P>] | [GateOptions<P>, ToolHandler<P>]
  ): GatedHandler<P> => {
    const [options, handler]: [GateOptions<P>, ToolHandler<P>] = rest.length === 1 ? [{}, rest[0]] : rest
    const { failFast = false, retry = true, tool } = parseOptions(gateOptions, options, 'requireCredentials')
    if (typeof handler !== 'function')
      throw new TypeError('requireCredentials takes a provider, options if any, and a handler')
    const { account } = options
    // A name that is not declared is found when the server starts, not at the first call.
    if (typeof account === 'string') accountOf(provider, account)
    return async (...parameters) => {
      const extra = extraOf(parameters)
      const before = parameters.slice(0, -1)
      const toolCall = callOf(extra) ?? createToolCall(before)
      const outcome = await passGate({
        provider,
        account: typeof account === 'function' ? await account(parameters[0]) : account,
        failFast,
        retry,
        tool,
        client: sdkClientPort(protocol, extra),
        notices,
        authInfo: extra.authInfo,
        toolCall,
        handler: async (report, inside) =>
          handler(...([...before, guardedExtra(extra, inside, report)] as unknown as P)),
      })
      return answerWith(outcome)
    }
  }
}

async function answerWith(outcome: GateOutcome<CallToolResult>): Promise<CallToolResult> {
  switch (outcome.kind) {
    case 'result':
      return withNotice(outcome)
    // A tool's error reaches model and user, and the tool's output schema does not apply to it.
    case 'text':
      return { content: [{ type: 'text', text: outcome.text }], isError: true }
    case 'url-required':
      throw new UrlElicitationRequiredError([{ mode: 'url', ...outcome.question }], outcome.text)
  }
}

/** A tool's error is left alone, and so is what a handler in plain JavaScript returns instead of a result. */
async function withNotice({ result, notice }: ResultOutcome): Promise<CallToolResult> {
  if (!Array.isArray(result?.content) || result.isError) return result
  const text = await notice?.()
  return text === undefined ? result : { ...result, content: [...result.content, { type: 'text', text }] }
}

type ResultOutcome = Extract<GateOutcome<CallToolResult>, { kind: 'result' }>

/** Hooks into the server's `onclose` only when needed, because applications may set it after registering their tools. */
function noticesUntilClosed(server: Server): CompletionNotices {
  const notices = createCompletionNotices()
  let hooked = false
  return {
    ...notices,
    watch(request, notify) {
      notices.watch(request, notify)
      if (hooked) return
      hooked = true
      const closed = server.onclose
      server.onclose = () => {
        notices.close()
        closed?.()
      }
    },
  }
}

/**
 * Returns the last parameter after checking that it is the SDK's: a client's arguments are JSON and hold neither signals nor functions. If
 * they were accepted, a client could choose the user of the call.
 */
function extraOf(parameters: readonly unknown[]): ToolExtra {
  const last = parameters.at(-1)
  const genuine =
    typeof last === 'object' &&
    last !== null &&
    'signal' in last &&
    last.signal instanceof AbortSignal &&
    'sendNotification' in last &&
    typeof last.sendNotification === 'function'
  if (!genuine) throw new TypeError("a gated handler has to be called with the SDK's extra as its last parameter")
  return last as ToolExtra
}
