import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js'
import type { CallToolResult, ServerNotification, ServerRequest } from '@modelcontextprotocol/sdk/types.js'
import { UrlElicitationRequiredError } from '@modelcontextprotocol/sdk/types.js'
import { newCorrelationId } from '../../core/credentials.ts'
import { type CredentialVaultError, isVaultError } from '../../core/errors.ts'
import type { GatedCall, GatedProvider } from '../../core/gated-provider.ts'
import { decideGate, type GateFacts } from '../gate-decision.ts'
import { gateTexts } from '../gate-texts.ts'
import { askAndWait } from './ask-and-wait.ts'
import { completionNotices } from './completion-notices.ts'
import { guardExtra } from './guard-extra.ts'
import { toolError } from './tool-error.ts'

/** What the SDK hands to a tool handler beside its arguments. */
export type ToolExtra = RequestHandlerExtra<ServerRequest, ServerNotification>

export interface GateOptions {
  /** Answer at once with JSON-RPC error -32042 and the link instead of waiting for the user. Default false. */
  readonly failFast?: boolean
  /** Name of the tool, for the form and the audit log; handlers are not told it by the SDK. */
  readonly tool?: string
}

type ToolHandler<P extends readonly unknown[]> = (...parameters: P) => CallToolResult | Promise<CallToolResult>
type GatedHandler<P extends readonly unknown[]> = (...parameters: P) => Promise<CallToolResult>

/**
 * Puts the gate in front of a tool handler: it runs only once the caller's own credential for `provider` is there. Works for handlers
 * with arguments, `(args, extra)`, and without, `(extra)`.
 */
export interface RequireCredentials {
  <P extends readonly unknown[]>(provider: GatedProvider, handler: ToolHandler<P>): GatedHandler<P>
  <P extends readonly unknown[]>(
    provider: GatedProvider,
    options: GateOptions,
    handler: ToolHandler<P>,
  ): GatedHandler<P>
}

/**
 * The gate for one `McpServer` of `@modelcontextprotocol/sdk` 1.x. Call it once per server.
 *
 * A call whose credential is missing is answered as the client can bear it: URL elicitation and a wait, error -32042 with the link, or
 * words with the link. Nothing is sent to a client in a mode that it did not declare (MCP 2025-11-25, elicitation).
 */
export function credentialGate(server: McpServer): RequireCredentials {
  const notices = completionNotices(server.server)

  return <P extends readonly unknown[]>(
    provider: GatedProvider,
    ...rest: [ToolHandler<P>] | [GateOptions, ToolHandler<P>]
  ): GatedHandler<P> => {
    const [options, handler] = rest.length === 1 ? [{}, rest[0]] : rest
    return async (...parameters) => {
      const extra = parameters.at(-1) as ToolExtra
      await provider.ready()
      const user = provider.userOf(extra.authInfo)
      if (!user) return toolError(gateTexts.unknownOwner())
      const call: GatedCall = {
        user,
        clientName: server.server.getClientVersion()?.name,
        tool: options.tool,
        correlationId: newCorrelationId(),
      }
      const found = await stateOf(provider, call)
      const decision = decideGate({
        client: clientAbility(server),
        credential: found.state,
        progress: extra._meta?.progressToken !== undefined,
        failFast: options.failFast ?? false,
        tokenTimeoutSeconds: provider.tokenTimeoutSeconds,
      })
      const run = () => runGuarded(provider, call, parameters, extra, handler)
      const cause = found.state === 'revoked' ? 'revoked' : 'absent'
      switch (decision.action) {
        case 'run':
          return run()
        case 'report-unavailable':
          return toolError(gateTexts.unavailable(provider.label, found.error))
        case 'answer-text':
          return toolError(
            gateTexts.openLink(provider.label, cause, (await provider.requestCredential(call, cause)).url),
          )
        case 'answer-url-required': {
          const request = await provider.requestCredential(call, cause)
          const elicitationId = newCorrelationId()
          if (decision.notifyCompletion) notices.watch(request, elicitationId)
          const message = gateTexts.ask(provider.label, cause)
          throw new UrlElicitationRequiredError(
            [{ mode: 'url', message, url: request.url, elicitationId }],
            gateTexts.openLink(provider.label, cause, request.url),
          )
        }
        case 'ask-and-wait': {
          const request = await provider.requestCredential(call, cause)
          const answer = await askAndWait({ server: server.server, provider, request, cause, extra, decision })
          return answer === 'saved' ? run() : toolError(answer.text)
        }
      }
    }
  }
}

function clientAbility(server: McpServer): GateFacts['client'] {
  const declared = server.server.getClientCapabilities()
  if (!declared) return 'unknown'
  return declared.elicitation?.url ? 'url-elicitation' : 'no-url-elicitation'
}

interface FoundState {
  readonly state: GateFacts['credential']
  readonly error?: CredentialVaultError
}

async function stateOf(provider: GatedProvider, call: GatedCall): Promise<FoundState> {
  try {
    return { state: await provider.credentialState(call) }
  } catch (error) {
    if (isVaultError(error)) return { state: 'unavailable', error }
    throw error
  }
}

async function runGuarded<P extends readonly unknown[]>(
  provider: GatedProvider,
  call: GatedCall,
  parameters: P,
  extra: ToolExtra,
  handler: ToolHandler<P>,
): Promise<CallToolResult> {
  return provider.run(call, async (echo) => {
    const withheld = async () => {
      await provider.reportEcho(call)
      return toolError(gateTexts.withheld(provider.label))
    }
    const guarded = [...parameters.slice(0, -1), guardExtra(extra, echo)] as unknown as P
    try {
      const result = await handler(...guarded)
      return echo.finds(result) ? await withheld() : result
    } catch (error) {
      if (echo.finds(error)) return withheld()
      throw error
    }
  })
}
