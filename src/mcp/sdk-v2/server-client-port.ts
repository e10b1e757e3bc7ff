import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  type ClientCapabilities,
  inputResponse,
  type Server,
} from '@modelcontextprotocol/server'
import type { CallLeg, ClientPort } from '../../core/gate/client-port.ts'
import type { CallKind } from '../../core/gate/gated-call.ts'
import { requestTrace } from '../../core/telemetry/request-trace.ts'
import { type ClientQuirk, hasQuirk } from '../adapter/client-quirks.ts'
import { abilityOf, RequestsOnCall } from '../adapter/requests-on-call.ts'
import { gateStateOf } from './request-state-verify.ts'
import type { ToolExtra } from './tool-handler.ts'

/** The first revision without server-to-client requests. Revisions are dates, so later ones compare as greater. */
const FIRST_WITH_LEGS = '2026-07-28'

/** Whether the server is bound to a revision in which it asks by its results. A legacy request may carry that revision's `_meta` too. */
export function asksByResult(server: Server): boolean {
  const version = server.getNegotiatedProtocolVersion()
  return version !== undefined && version >= FIRST_WITH_LEGS
}

/** Makes the client port of one call from the `ctx` of SDK 2.x. */
export function serverClientPort(server: Server, ctx: ToolExtra, quirks: readonly ClientQuirk[]): ClientPort {
  const { mcpReq } = ctx
  const progressToken = mcpReq._meta?.progressToken
  const hasLegs = asksByResult(server)
  const { name, ability } = clientOf(server, hasLegs ? mcpReq.envelope : undefined, quirks)
  return Object.assign(new RequestsOnCall(server, mcpReq.id), {
    name,
    ability,
    signal: mcpReq.signal,
    trace: requestTrace({ meta: mcpReq._meta, headers: ctx.http?.req?.headers }),
    leg: hasLegs ? legOf(ctx) : undefined,
    progress:
      progressToken === undefined
        ? undefined
        : (progress: number, message: string) =>
            mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, message } }),
  })
}

/** @param envelope of a request of a revision with legs: it names its own client, whose capabilities another one need not have */
function clientOf(
  server: Server,
  envelope: Readonly<Record<string, unknown>> | undefined,
  quirks: readonly ClientQuirk[],
): Pick<ClientPort, 'name' | 'ability'> {
  if (!envelope) {
    const info = server.getClientVersion()
    return { name: info?.name, ability: abilityOf(server.getClientCapabilities(), hasQuirk(quirks, info)) }
  }
  const info = envelope[CLIENT_INFO_META_KEY] as { readonly name?: unknown } | undefined
  const declared = envelope[CLIENT_CAPABILITIES_META_KEY] as ClientCapabilities | undefined
  // Quirks concern error -32042, which revisions with legs do not have.
  return { name: typeof info?.name === 'string' ? info.name : undefined, ability: abilityOf(declared, false) }
}

function legOf(ctx: ToolExtra): CallLeg {
  return {
    state: gateStateOf(ctx),
    answerTo(key) {
      const answer = inputResponse(ctx.mcpReq.inputResponses, key)
      return answer.kind === 'elicit' ? answer.action : undefined
    },
  }
}

const ENCODED_NAME = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/

/** What the name of a request names. A resource's is its URI, which may say more than a log should hold. */
const NAMED: Readonly<Partial<Record<string, CallKind>>> = { 'tools/call': 'tool', 'prompts/get': 'prompt' }

/**
 * Returns the name of the tool or prompt from the `Mcp-Name` header, which the SDK's HTTP entry compares with the body where it serves
 * legs.
 */
export function calledName(server: Server, { mcpReq, http }: ToolExtra, kind: CallKind): string | undefined {
  const name = http?.req?.headers.get('mcp-name')?.trim()
  if (!name || !asksByResult(server) || NAMED[mcpReq.method] !== kind) return undefined
  const encoded = ENCODED_NAME.exec(name)?.[1]
  return encoded === undefined ? name : Buffer.from(encoded, 'base64').toString()
}
