import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import {
  type CallToolResult,
  CompleteRequestSchema,
  ErrorCode,
  type GetPromptResult,
  McpError,
  type ReadResourceResult,
  UrlElicitationRequiredError,
} from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import type { GateOutcome } from '../../core/gate/gate.ts'
import type { GatedProvider } from '../../core/gate/gated-provider.ts'
import { parseOptions } from '../../core/model/options.ts'
import { type CredentialGateOptions, credentialGateOptions } from '../adapter/client-quirks.ts'
import { carryExtraToCompleters } from '../adapter/completers.ts'
import { type AnyGateOptions, anyGateOptions, checkGate, namedGateOptions } from '../adapter/gate-options.ts'
import { gatedCall, type SdkCalls } from '../adapter/gated-call.ts'
import type { RequireFor, RequireForCompletion } from '../adapter/gated-handlers.ts'
import { noticesUntilClosed } from '../adapter/notices-until-closed.ts'
import { createOpenQuestions } from '../adapter/open-questions.ts'
import { type GatedKind, requireFor, requireForCompletion } from '../adapter/require.ts'
import { foreignServerError, type SdkPackage } from '../adapter/sdk-copies.ts'
import { promptAnswer, textAnswer, withNotice } from '../adapter/tool-answers.ts'
import { guardedExtra } from './guarded-extra.ts'
import { sdkClientPort } from './sdk-client-port.ts'
import type {
  GatedHandler,
  ResourceParameters,
  ToolExtra,
  ToolHandler,
  ToolParameters,
  WithoutArguments,
} from './tool-handler.ts'

export interface GateOptions<P extends ToolParameters = ToolParameters> extends AnyGateOptions<P[0]> {}

const gateOptions = z.strictObject(anyGateOptions)
const namedOptions = z.strictObject(namedGateOptions)

const SDK: SdkPackage = {
  generation: 'v1',
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
  <P extends ToolParameters = WithoutArguments>(provider: GatedProvider, handler: ToolHandler<P>): GatedHandler<P>
  <P extends ToolParameters = WithoutArguments>(
    provider: GatedProvider,
    options: GateOptions<P>,
    handler: ToolHandler<P>,
  ): GatedHandler<P>
  /** Gates a prompt. A text of the gate, such as the link for a client without URL mode, is a message of the prompt. */
  readonly prompt: RequireFor<ToolParameters, GetPromptResult>
  /** Gates a resource or a resource template. A text of the gate is the message of JSON-RPC error -32603. */
  readonly resource: RequireFor<ResourceParameters, ReadResourceResult>
  /**
   * Gates a completer of a prompt's argument or of a template's variable. Without a credential it completes to nothing: the user is not
   * asked while typing, and no link is made.
   *
   * @throws `configuration_invalid` (`reason: 'completion_extra'`) on an `McpServer` that had a completer before its gate
   */
  readonly completion: RequireForCompletion<ToolExtra>
}

/**
 * Makes the gate for one `McpServer` of `@modelcontextprotocol/sdk` 1.x, or for one low-level `Server`. Call it once per server.
 *
 * On a low-level `Server`, call the wrapped handler from the handler of `tools/call`, with that handler's `extra` as last parameter. An
 * error that the tool throws is then answered as a JSON-RPC error, since the low-level `Server` does not convert it into a tool's error.
 *
 * The answer to a call without a credential depends on the client: URL elicitation and a wait, error -32042 with the link, or a text with
 * the link. No client gets a mode that it did not declare (MCP 2025-11-25, elicitation), unless `clientQuirks` lists the client.
 * `requireCredentials.prompt`, `.resource` and `.completion` gate prompts, resources and completions. Register those that complete after
 * the gate.
 *
 * @throws `configuration_invalid` for an option that is wrong; (`reason: 'sdk_copies'`) for a server of another installed copy of the SDK
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
export function credentialGate(server: McpServer | Server, options: CredentialGateOptions = {}): RequireCredentials {
  const { clientQuirks } = parseOptions(credentialGateOptions, options, 'credentialGate')
  refuseForeignServer(server)
  const protocol = 'server' in server ? server.server : server
  const completers = carryExtraToCompleters(server, protocol, CompleteRequestSchema)
  const sdk: SdkCalls<ToolExtra> = {
    extraOf,
    clientOf: (extra) => sdkClientPort(protocol, extra, clientQuirks),
    authInfoOf,
    nameOf,
    guarded: guardedExtra,
    notices: noticesUntilClosed(protocol),
    questions: createOpenQuestions(),
  }

  const tool = <P extends ToolParameters = WithoutArguments>(
    provider: GatedProvider,
    ...rest: [ToolHandler<P>] | [GateOptions<P>, ToolHandler<P>]
  ): GatedHandler<P> => {
    const pass = gatedCall<ToolExtra, CallToolResult>(sdk, 'tool', provider, checkGate(gateOptions, provider, rest))
    return async (...parameters) => toolAnswer(await pass(parameters))
  }

  return Object.assign(tool, {
    prompt: requireFor<ToolExtra, ToolParameters, GetPromptResult, unknown>(sdk, PROMPT),
    resource: requireFor<ToolExtra, ResourceParameters, ReadResourceResult, unknown>(sdk, RESOURCE),
    completion: requireForCompletion(sdk, completers),
  })
}

// Shared by all gates, of which each session has one.
const PROMPT: GatedKind<GetPromptResult> = {
  kind: 'prompt',
  options: namedOptions,
  answer: (outcome) => (outcome.kind === 'text' ? promptAnswer(outcome.text) : resultOf(outcome)),
}
const RESOURCE: GatedKind<ReadResourceResult> = { kind: 'resource', options: namedOptions, answer: resultOf }

function authInfoOf({ authInfo }: ToolExtra): unknown {
  return authInfo
}

/** SDK 1.x does not say what the client called. */
function nameOf(): undefined {
  return undefined
}

async function toolAnswer(outcome: GateOutcome<CallToolResult>): Promise<CallToolResult> {
  if (outcome.kind === 'result') return withNotice(outcome)
  return outcome.kind === 'text' ? textAnswer(outcome.text) : resultOf(outcome)
}

/** Returns the result, and throws what the client is answered instead of one. */
function resultOf<A>(outcome: GateOutcome<A>): A {
  switch (outcome.kind) {
    case 'result':
      return outcome.result
    case 'text':
      throw new McpError(ErrorCode.InternalError, outcome.text)
    case 'url-required':
      throw new UrlElicitationRequiredError([{ mode: 'url', ...outcome.question }], outcome.text)
    case 'input-required':
      throw new TypeError('a client of MCP 2025-11-25 does not repeat its calls')
    case 'nothing':
      throw new TypeError('only a completion is answered with nothing')
  }
}

/**
 * Returns what was given after checking that it is the SDK's: a client's arguments are JSON and hold neither signals nor functions. If they
 * were accepted, a client could choose the user of the call.
 */
function extraOf(given: unknown): ToolExtra {
  const genuine =
    typeof given === 'object' &&
    given !== null &&
    'signal' in given &&
    given.signal instanceof AbortSignal &&
    'sendNotification' in given &&
    typeof given.sendNotification === 'function'
  if (!genuine) throw new TypeError("a gated handler has to be called with the SDK's extra as its last parameter")
  return given as ToolExtra
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
  throw foreignServerError(SDK, 'credentialGate', server)
}
