import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { type CallToolResult, UrlElicitationRequiredError } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import { type GateOutcome, passGate } from '../../core/gate/gate.ts'
import type { GatedProvider } from '../../core/gate/gated-provider.ts'
import { callOf, createToolCall } from '../../core/gate/tool-call.ts'
import { type AnyGateOptions, anyGateOptions, checkGate } from '../adapter/gate-options.ts'
import { noticesUntilClosed } from '../adapter/notices-until-closed.ts'
import { foreignServer, type SdkPackage } from '../adapter/sdk-copies.ts'
import { textAnswer, withNotice } from '../adapter/tool-answers.ts'
import { guardedExtra } from './guarded-extra.ts'
import { sdkClientPort } from './sdk-client-port.ts'
import type { GatedHandler, ToolExtra, ToolHandler, ToolParameters } from './tool-handler.ts'

export interface GateOptions<P extends ToolParameters = ToolParameters> extends AnyGateOptions<P[0]> {}

const gateOptions = z.strictObject(anyGateOptions)

const SDK: SdkPackage = {
  name: '@modelcontextprotocol/sdk',
  module: '@modelcontextprotocol/sdk/types.js',
  toFolder: '../..',
  adapter: import.meta.filename,
}

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
    const { checked, account, handler } = checkGate(gateOptions, provider, rest)
    const { failFast, retry, tool } = checked
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
    case 'text':
      return textAnswer(outcome.text)
    case 'url-required':
      throw new UrlElicitationRequiredError([{ mode: 'url', ...outcome.question }], outcome.text)
    case 'input-required':
      throw new TypeError('a client of MCP 2025-11-25 does not repeat its calls')
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

/**
 * Refuses an `McpServer` from another copy of the SDK than ours. Such a server does not recognise our error -32042: it turns the error into
 * a tool's text, and clients that wait for the error never show the link.
 *
 * @throws `configuration_invalid` (`reason: 'sdk_copies'`), naming both copies
 */
function refuseForeignServer(server: object): void {
  // The low-level Server checks the error's code only, so any copy works.
  if (!('registerTool' in server) || server instanceof McpServer) return
  throw foreignServer(SDK, 'credentialGate')
}
