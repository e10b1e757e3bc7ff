import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { UrlElicitationRequiredError } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import { newCorrelationId } from '../../core/credentials/credentials.ts'
import { decideGate, type GateFacts } from '../../core/gate/gate-decision.ts'
import { problemKind } from '../../core/gate/gate-problem.ts'
import { gateTexts } from '../../core/gate/gate-texts.ts'
import type { GatedCall } from '../../core/gate/gated-call.ts'
import type { GatedProvider } from '../../core/gate/gated-provider.ts'
import { callOf, createToolCall } from '../../core/gate/tool-call.ts'
import { isVaultError } from '../../core/model/errors.ts'
import { parseOptions } from '../../core/model/options.ts'
import { sameOwner, twoUsers } from '../../core/model/owner.ts'
import { askAndWait } from './ask-and-wait.ts'
import { completionNotices } from './completion-notices.ts'
import { runGuarded } from './run-guarded.ts'
import { refuseForeignServer } from './same-sdk.ts'
import { toolError } from './tool-error.ts'
import type { GatedHandler, ToolExtra, ToolHandler, ToolParameters } from './tool-handler.ts'

export interface GateOptions {
  /** Answer at once with JSON-RPC error -32042 and the link instead of waiting for the user. Default false. */
  readonly failFast?: boolean
  /** Name of the tool, for the form and the audit log, 1 to 128 characters; handlers are not told it by the SDK. */
  readonly tool?: string
}

const gateOptions = z.strictObject({
  failFast: z.boolean().optional(),
  tool: z.string().min(1).max(128).optional(),
})

/**
 * Puts the gate in front of a tool handler: it runs only once the caller's own credential for `provider` is there. Works for handlers
 * with arguments, `(args, extra)`, and without, `(extra)`. What it returns has to be called with the SDK's own `extra` as last
 * parameter, as `registerTool` does.
 */
export interface RequireCredentials {
  <P extends ToolParameters>(provider: GatedProvider, handler: ToolHandler<P>): GatedHandler<P>
  <P extends ToolParameters>(provider: GatedProvider, options: GateOptions, handler: ToolHandler<P>): GatedHandler<P>
}

/**
 * The gate for one `McpServer` of `@modelcontextprotocol/sdk` 1.x, or for one low-level `Server`. Call it once per server.
 *
 * On a low-level `Server`, call what it returns from the handler of `tools/call`, with that handler's `extra` as last parameter; what a
 * tool throws is answered as a JSON-RPC error there, since nobody turns it into a tool's error.
 *
 * A call whose credential is missing is answered as the client can bear it: URL elicitation and a wait, error -32042 with the link, or
 * words with the link. Nothing is sent to a client in a mode that it did not declare (MCP 2025-11-25, elicitation).
 *
 * @throws `configuration_invalid` (`reason: 'sdk_copies'`) for a server of another installed copy of the SDK
 */
export function credentialGate(server: McpServer | Server): RequireCredentials {
  refuseForeignServer(server)
  const protocol = 'server' in server ? server.server : server
  const notices = completionNotices(protocol)

  async function pass<P extends ToolParameters>(
    provider: GatedProvider,
    options: GateOptions,
    handler: ToolHandler<P>,
    parameters: P,
  ): Promise<CallToolResult> {
    const extra = extraOf(parameters)
    await provider.ready()
    const user = provider.userOf(extra.authInfo)
    if (!user) return toolError(gateTexts.unknownOwner())
    // A gate around this one has begun the call, and knows whose it is.
    const toolCall = callOf(extra) ?? createToolCall(parameters.slice(0, -1))
    const outer = toolCall.outermost()
    if (outer && !sameOwner(outer.call.user, user)) throw twoUsers()
    const clientName = protocol.getClientVersion()?.name
    const assertion = provider.assertionOf(user, extra.authInfo)
    const { signal } = extra
    const call: GatedCall = {
      user,
      clientName,
      tool: options.tool,
      correlationId: newCorrelationId(),
      assertion,
      signal,
    }
    const state = await provider.credentialState(call)
    const decision = decideGate({
      client: clientAbility(protocol),
      credential: state,
      progress: extra._meta?.progressToken !== undefined,
      failFast: options.failFast ?? false,
      tokenTimeoutSeconds: provider.tokenTimeoutSeconds,
    })
    const { label } = provider
    const run = async (heartbeats = 0) => {
      toolCall.addHeartbeats(heartbeats)
      try {
        return await runGuarded({ provider, call, toolCall, parameters, extra, handler })
      } catch (error) {
        // Somebody put something else there by hand: the user can fix it.
        if (!isVaultError(error, 'credential_malformed') || error.provider !== provider.name) throw error
        const { url } = await provider.requestCredential(call, 'absent', { waits: false })
        return toolError(gateTexts.malformed(label, url))
      }
    }
    const cause = state === 'revoked' ? 'revoked' : 'absent'
    switch (decision.action) {
      case 'run':
        return run()
      case 'answer-text': {
        const { url } = await provider.requestCredential(call, cause, { waits: false })
        return toolError(gateTexts.openLink(label, cause, url))
      }
      case 'answer-url-required': {
        const request = await provider.requestCredential(call, cause, { waits: false })
        const elicitationId = newCorrelationId()
        if (decision.notifyCompletion) notices.watch(request, elicitationId)
        throw new UrlElicitationRequiredError(
          [{ mode: 'url', message: gateTexts.ask(label, cause), url: request.url, elicitationId }],
          gateTexts.openLink(label, cause, request.url),
        )
      }
      case 'ask-and-wait': {
        const request = await provider.requestCredential(call, cause, { waits: true })
        if (!request.mayWait) return toolError(gateTexts.openLink(label, cause, request.url))
        const answer = await askAndWait({ server: protocol, provider, request, cause, extra, decision })
        return answer.saved ? run(answer.heartbeats) : toolError(answer.text)
      }
    }
  }

  return <P extends ToolParameters>(
    provider: GatedProvider,
    ...rest: [ToolHandler<P>] | [GateOptions, ToolHandler<P>]
  ): GatedHandler<P> => {
    const [options, handler] = rest.length === 1 ? [{}, rest[0]] : rest
    parseOptions(gateOptions, options, 'requireCredentials')
    if (typeof handler !== 'function')
      throw new TypeError('requireCredentials takes a provider, options if any, and a handler')
    return async (...parameters) => {
      try {
        return await pass(provider, options, handler, parameters)
      } catch (error) {
        // Of another provider's credential its own gate speaks, around this one.
        if (isVaultError(error) && error.provider !== undefined && error.provider !== provider.name) throw error
        // Our own errors are written for operators; the client's user is told which kind of problem it is.
        const kind = problemKind(error)
        if (kind === undefined) throw error
        return toolError(gateTexts[kind](provider.label, isVaultError(error) ? error : undefined))
      }
    }
  }
}

/**
 * The last parameter, proven to be the SDK's: a client's arguments are JSON and hold neither signals nor functions. Were they taken
 * for it, a client could say whose call it is.
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

function clientAbility(server: Server): GateFacts['client'] {
  const declared = server.getClientCapabilities()
  if (!declared) return 'unknown'
  return declared.elicitation?.url ? 'url-elicitation' : 'no-url-elicitation'
}
