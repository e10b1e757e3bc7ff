import { inputRequired, type McpServer, type Server, UrlElicitationRequiredError } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { type GateOutcome, passGate } from '../../core/gate/gate.ts'
import type { GatedProvider } from '../../core/gate/gated-provider.ts'
import { callOf, createToolCall } from '../../core/gate/tool-call.ts'
import type { OptionSchemas } from '../../core/model/options.ts'
import { type AnyGateOptions, anyGateOptions, checkGate } from '../adapter/gate-options.ts'
import { noticesUntilClosed } from '../adapter/notices-until-closed.ts'
import { textAnswer, withNotice } from '../adapter/tool-answers.ts'
import { refuseForeignServer } from './foreign-server.ts'
import { guardedContext } from './guarded-context.ts'
import { refuseForeignState } from './request-state-verify.ts'
import { serverClientPort, toolNameOf } from './server-client-port.ts'
import type { GatedHandler, ToolAnswer, ToolExtra, ToolHandler, ToolParameters } from './tool-handler.ts'

export interface GateOptions<P extends ToolParameters = ToolParameters> extends AnyGateOptions<P[0]> {
  /**
   * Answers a client of MCP 2026-07-28 that has not declared URL mode with error -32021, for clients that then declare it. Default false: with
   * the link as text.
   */
  readonly strict?: boolean
}

const gateOptions = z.strictObject({
  ...anyGateOptions,
  strict: z.boolean().default(false),
} satisfies OptionSchemas<GateOptions>)

/**
 * Wraps a tool handler so that it runs only once the caller's own credential for `provider` is stored. Works for handlers with arguments,
 * `(args, extra)`, and without, `(extra)`. Call the returned function with the SDK's own `ctx` as last parameter, as `registerTool` does.
 */
export interface RequireCredentials {
  <P extends ToolParameters>(provider: GatedProvider, handler: ToolHandler<P>): GatedHandler<P>
  <P extends ToolParameters>(provider: GatedProvider, options: GateOptions<P>, handler: ToolHandler<P>): GatedHandler<P>
}

/**
 * Makes the gate for one `McpServer` of `@modelcontextprotocol/server` 2.x, or for one low-level `Server`. Call it once per server.
 *
 * A client of MCP 2026-07-28 is asked by the result of its call, which it then repeats; a client of MCP 2025-11-25 by URL elicitation on the
 * call's stream, or with error -32042. A client without URL mode gets the link as text. The handler runs from the top in each leg of a call,
 * and never before the credential is stored.
 *
 * On a low-level `Server`, call the wrapped handler from the handler of `tools/call`, with that handler's `ctx` as last parameter.
 *
 * @throws `configuration_invalid` (`reason: 'sdk_copies'`) for a server of another installed copy of the SDK; (`reason: 'request_state'`) for
 *   a server with a `requestState.verify` that is not wrapped by `withGateState`
 * @example
 * ```ts
 * import { McpServer } from '@modelcontextprotocol/server'
 * import { credentialGate } from 'mcp-credential-vault/mcp/sdk-v2'
 *
 * const server = new McpServer({ name: 'jira', version: '1.0.0' })
 * const requireCredentials = credentialGate(server)
 * server.registerTool(
 *   'who_am_i',
 *   { description: 'Says who you are in Jira.' },
 *   requireCredentials(jira, async (extra) => {
 *     const answer = await jira.getCredentials(extra).fetch('/rest/api/2/myself')
 *     if (!answer.ok) throw new Error(`Jira answered ${answer.status}.`)
 *     return { content: [{ type: 'text', text: await answer.text() }] }
 *   }),
 * )
 * ```
 */
export function credentialGate(server: McpServer | Server): RequireCredentials {
  refuseForeignServer(server, 'credentialGate')
  refuseForeignState(server)
  const protocol = 'server' in server ? server.server : server
  const notices = noticesUntilClosed(protocol)

  return <P extends ToolParameters>(
    provider: GatedProvider,
    ...rest: [ToolHandler<P>] | [GateOptions<P>, ToolHandler<P>]
  ): GatedHandler<P> => {
    const { checked, account, handler } = checkGate(gateOptions, provider, rest)
    return async (...parameters) => {
      const extra = extraOf(parameters)
      const before = parameters.slice(0, -1)
      const toolCall = callOf(extra) ?? createToolCall(before)
      const outcome = await passGate<ToolAnswer>({
        ...checked,
        provider,
        account: typeof account === 'function' ? await account(parameters[0]) : account,
        tool: checked.tool ?? toolNameOf(protocol, extra),
        client: serverClientPort(protocol, extra),
        notices,
        authInfo: extra.http?.authInfo,
        toolCall,
        handler: async (report, inside) =>
          handler(...([...before, guardedContext(extra, inside, report)] as unknown as P)),
      })
      return answerWith(outcome)
    }
  }
}

async function answerWith(outcome: GateOutcome<ToolAnswer>): Promise<ToolAnswer> {
  switch (outcome.kind) {
    case 'result':
      return withNotice(outcome)
    case 'text':
      return textAnswer(outcome.text)
    case 'url-required':
      throw new UrlElicitationRequiredError([{ mode: 'url', ...outcome.question }], outcome.text)
    case 'input-required': {
      const { question, state: requestState } = outcome
      if (!question) return inputRequired({ requestState })
      const { key, message, url } = question
      return inputRequired({ inputRequests: { [key]: inputRequired.elicitUrl({ message, url }) }, requestState })
    }
  }
}

/**
 * Returns the last parameter after checking that it is the SDK's: a client's arguments are JSON and hold neither signals nor functions. If
 * they were accepted, a client could choose the user of the call.
 */
function extraOf(parameters: readonly unknown[]): ToolExtra {
  const { mcpReq } = (parameters.at(-1) ?? {}) as { readonly mcpReq?: Partial<ToolExtra['mcpReq']> }
  const genuine = mcpReq?.signal instanceof AbortSignal && typeof mcpReq.notify === 'function'
  if (!genuine) throw new TypeError("a gated handler has to be called with the SDK's ctx as its last parameter")
  return parameters.at(-1) as ToolExtra
}
