import {
  type InputRequiredResult,
  inputRequired,
  type McpServer,
  ProtocolError,
  ProtocolErrorCode,
  type Server,
  UrlElicitationRequiredError,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import type { GateOutcome } from '../../core/gate/gate.ts'
import type { GatedProvider } from '../../core/gate/gated-provider.ts'
import { type OptionSchemas, parseOptions } from '../../core/model/options.ts'
import { type CredentialGateOptions, credentialGateOptions } from '../adapter/client-quirks.ts'
import { carryExtraToCompleters } from '../adapter/completers.ts'
import {
  type AnyGateOptions,
  anyGateOptions,
  checkGate,
  type NamedGateOptions,
  namedGateOptions,
} from '../adapter/gate-options.ts'
import { gatedCall, type SdkCalls } from '../adapter/gated-call.ts'
import type { RequireFor, RequireForCompletion } from '../adapter/gated-handlers.ts'
import { noticesUntilClosed } from '../adapter/notices-until-closed.ts'
import { createOpenQuestions } from '../adapter/open-questions.ts'
import { requireFor, requireForCompletion } from '../adapter/require.ts'
import { promptAnswer, textAnswer, withNotice } from '../adapter/tool-answers.ts'
import { rememberRequests, requestOf } from './called-requests.ts'
import { refuseForeignServer } from './foreign-server.ts'
import { guardedContext } from './guarded-context.ts'
import { refuseForeignState } from './request-state-verify.ts'
import { asksByResult, calledName, serverClientPort } from './server-client-port.ts'
import type {
  GatedHandler,
  PromptAnswer,
  ResourceAnswer,
  ResourceParameters,
  ToolAnswer,
  ToolExtra,
  ToolHandler,
  ToolParameters,
  WithoutArguments,
} from './tool-handler.ts'

/** Options for clients of MCP 2026-07-28. */
export interface StrictOptions {
  /**
   * Answers a client of MCP 2026-07-28 that has not declared URL mode with error -32021, for clients that then declare it. Default false:
   * with the link as text.
   */
  readonly strict?: boolean
}

export interface GateOptions<P extends ToolParameters = ToolParameters> extends AnyGateOptions<P[0]>, StrictOptions {}

const strict = z.boolean().default(false)
const gateOptions = z.strictObject({ ...anyGateOptions, strict } satisfies OptionSchemas<GateOptions>)
const namedOptions = z.strictObject({ ...namedGateOptions, strict } satisfies OptionSchemas<
  NamedGateOptions<unknown> & StrictOptions
>)

/**
 * Wraps a tool handler so that it runs only once the caller's own credential for `provider` is stored. Works for handlers with arguments,
 * `(args, extra)`, and without, `(extra)`. Call the returned function with the SDK's own `ctx` as last parameter, as `registerTool` does.
 */
export interface RequireCredentials {
  <P extends ToolParameters = WithoutArguments>(provider: GatedProvider, handler: ToolHandler<P>): GatedHandler<P>
  <P extends ToolParameters = WithoutArguments>(
    provider: GatedProvider,
    options: GateOptions<P>,
    handler: ToolHandler<P>,
  ): GatedHandler<P>
  /** Gates a prompt. A text of the gate, such as the link for a client without URL mode, is a message of the prompt. */
  readonly prompt: RequireFor<ToolParameters, PromptAnswer, StrictOptions, WithoutArguments>
  /**
   * Gates a resource or a resource template. A text of the gate is the message of JSON-RPC error -32603. Caches may keep what the handler
   * returns only for its own user, unless its `cacheScope` is `public`.
   */
  readonly resource: RequireFor<ResourceParameters, ResourceAnswer, StrictOptions>
  /**
   * Gates a completer of a prompt's argument or of a template's variable. Without a credential it completes to nothing: the user is not
   * asked while typing, and no link is made.
   *
   * @throws `configuration_invalid` (`reason: 'completion_extra'`) on an `McpServer` that had a completer before its gate
   */
  readonly completion: RequireForCompletion<ToolExtra>
}

/**
 * Makes the gate for one `McpServer` of `@modelcontextprotocol/server` 2.x, or for one low-level `Server`. Call it once per server.
 *
 * A client of MCP 2026-07-28 is asked by the result of its call, which it then repeats; a client of MCP 2025-11-25 by URL elicitation on
 * the call's stream, or with error -32042. A client without URL mode gets the link as text. The handler runs from the top in each leg of a
 * call, and never before the credential is stored.
 *
 * `requireCredentials.prompt`, `.resource` and `.completion` gate prompts, resources and completions. Register those that complete after
 * the gate.
 *
 * On a low-level `Server`, call the wrapped handler from the handler of `tools/call`, with that handler's `ctx` as last parameter.
 *
 * @throws `configuration_invalid` for an option that is wrong; (`reason: 'sdk_copies'`) for a server of another installed copy of the SDK;
 *   (`reason: 'request_state'`) for a server with a `requestState.verify` that is not wrapped by `withGateState`
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
export function credentialGate(server: McpServer | Server, options: CredentialGateOptions = {}): RequireCredentials {
  const { clientQuirks } = parseOptions(credentialGateOptions, options, 'credentialGate')
  refuseForeignServer(server, 'credentialGate')
  refuseForeignState(server)
  const protocol = 'server' in server ? server.server : server
  const completers = carryExtraToCompleters(server, protocol, 'completion/complete')
  rememberRequests(protocol)
  const sdk: SdkCalls<ToolExtra> = {
    extraOf,
    requestOf,
    clientOf: (ctx) => serverClientPort(protocol, ctx, clientQuirks),
    authInfoOf: ({ http }) => http?.authInfo,
    nameOf: (ctx, kind) => calledName(protocol, ctx, kind),
    guarded: guardedContext,
    notices: noticesUntilClosed(protocol),
    questions: createOpenQuestions(),
  }

  const tool = <P extends ToolParameters = WithoutArguments>(
    provider: GatedProvider,
    ...rest: [ToolHandler<P>] | [GateOptions<P>, ToolHandler<P>]
  ): GatedHandler<P> => {
    const pass = gatedCall<ToolExtra, ToolAnswer>(sdk, 'tool', provider, checkGate(gateOptions, provider, rest))
    return async (...parameters) => toolAnswer(await pass(parameters))
  }

  return Object.assign(tool, {
    prompt: requireFor<ToolExtra, ToolParameters, PromptAnswer, StrictOptions>(sdk, {
      ...{ kind: 'prompt', options: namedOptions },
      answer: (outcome) => (outcome.kind === 'text' ? promptAnswer(outcome.text) : resultOf(outcome)),
    }),
    resource: requireFor<ToolExtra, ResourceParameters, ResourceAnswer, StrictOptions>(sdk, {
      ...{ kind: 'resource', options: namedOptions },
      answer: (outcome) => ownOnly(resultOf(outcome), asksByResult(protocol)),
    }),
    completion: requireForCompletion(sdk, completers),
  })
}

async function toolAnswer(outcome: GateOutcome<ToolAnswer>): Promise<ToolAnswer> {
  if (outcome.kind === 'result') return withNotice(outcome)
  return outcome.kind === 'text' ? textAnswer(outcome.text) : resultOf(outcome)
}

/** Returns the result or the question, and throws what the client is answered instead. */
function resultOf<A>(outcome: GateOutcome<A>): A | InputRequiredResult {
  switch (outcome.kind) {
    case 'result':
      return outcome.result
    case 'text':
      throw new ProtocolError(ProtocolErrorCode.InternalError, outcome.text)
    case 'url-required':
      throw new UrlElicitationRequiredError([{ mode: 'url', ...outcome.question }], outcome.text)
    case 'input-required': {
      const { question, state: requestState } = outcome
      if (!question) return inputRequired({ requestState })
      const { key, message, url } = question
      return inputRequired({ inputRequests: { [key]: inputRequired.elicitUrl({ message, url }) }, requestState })
    }
    case 'nothing':
      throw new TypeError('only a completion is answered with nothing')
  }
}

/**
 * A server's cache hints were chosen for resources that are the same for all users. The SDK falls back on them for every scope that MCP does
 * not know. MCP 2025-11-25 has none.
 */
function ownOnly(answer: ResourceAnswer, hasCacheScope: boolean): ResourceAnswer {
  if (!hasCacheScope || !('contents' in answer) || answer['cacheScope'] === 'public') return answer
  return { ...answer, cacheScope: 'private' }
}

/**
 * Returns what was given after checking that it is the SDK's: a client's arguments are JSON and hold neither signals nor functions. If they
 * were accepted, a client could choose the user of the call.
 */
function extraOf(given: unknown): ToolExtra {
  const { mcpReq } = (given ?? {}) as { readonly mcpReq?: Partial<ToolExtra['mcpReq']> }
  const genuine = mcpReq?.signal instanceof AbortSignal && typeof mcpReq.notify === 'function'
  if (!genuine) throw new TypeError("a gated handler has to be called with the SDK's ctx as its last parameter")
  return given as ToolExtra
}
