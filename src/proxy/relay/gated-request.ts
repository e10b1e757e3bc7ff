import type { IncomingMessage } from 'node:http'
import { type GateOutcome, passGate } from '../../core/gate/gate.ts'
import type { CallKind } from '../../core/gate/gated-call.ts'
import { createToolCall } from '../../core/gate/tool-call.ts'
import { isJsonObject } from '../../core/model/json.ts'
import { sameOwner, twoUsers } from '../../core/model/owner.ts'
import type { ProxyRoute } from '../session/proxy-route.ts'
import type { ProxySession } from '../session/proxy-session.ts'
import type { Reply } from '../session/reply.ts'
import { CODES, errorAnswer, type Message, type Request, resultAnswer } from '../upstream/message.ts'
import { insideGate } from './credential-call.ts'
import { proxyClientPort } from './proxy-client-port.ts'
import { type Answered, type Relaying, relayRequest } from './relayed-request.ts'

export interface GatedRequest {
  readonly route: ProxyRoute
  readonly session: ProxySession
  readonly message: Request
  readonly reply: Reply
  readonly progress: Relaying['progress']
  readonly signal: AbortSignal
  readonly authInfo: unknown
  readonly headers: IncomingMessage['headers']
}

/**
 * Relays a request once the caller's own credential is there, and asks for it otherwise.
 *
 * @returns undefined if the upstream still owes the answer on a stream that the client can take up again
 */
export async function gatedRequest(gated: GatedRequest): Promise<Answered | undefined> {
  const { route, session, message, reply, progress, signal, authInfo, headers } = gated
  const { provider, failFast } = route
  const outcome = await passGate<Answered | undefined>({
    provider,
    failFast,
    // A server that answers HTTP 401 has not taken the call.
    retry: true,
    kind: KINDS[message.method] ?? 'tool',
    tool: toolOf(message),
    client: proxyClientPort({ session, request: message, reply, signal, headers }),
    notices: session.notices,
    authInfo,
    toolCall: createToolCall(message.params),
    async handler(...inside) {
      const call = inside[1].outermost()?.call
      if (!call || !sameOwner(call.user, session.owner)) throw twoUsers()
      const within = await insideGate(provider, call, signal, inside)
      const answered = await relayRequest({ session, message, reply, progress }, within)
      if (answered && route.rejections.isRejection(message, answered.answer)) {
        // The server has taken the call, so only its operator can say whether it may be sent again.
        if (!route.rejections.mayRepeat(message)) inside[1].reruns.state = 'used'
        await within.call.handle.reject()
      }
      return answered
    },
  })
  if (outcome.kind !== 'result') return { answer: answerInPlace(message, outcome), event: {} }
  const { result, notice } = outcome
  return result && { ...result, answer: await withNotice(message, result.answer, notice) }
}

/** The gate asks nobody for a completion. What it does not know counts as a tool. */
const KINDS: Readonly<Record<string, CallKind>> = {
  'prompts/get': 'prompt',
  'resources/read': 'resource',
  'completion/complete': 'completion',
}

/** Answers a request that was not relayed. */
function answerInPlace(
  { id, method }: Request,
  outcome: Exclude<GateOutcome<unknown>, { readonly kind: 'result' }>,
): Message {
  switch (outcome.kind) {
    case 'text':
      if (method !== 'tools/call') return errorAnswer(id, CODES.server, outcome.text)
      return resultAnswer(id, { content: [{ type: 'text', text: outcome.text }], isError: true })
    case 'url-required': {
      const elicitations = [{ mode: 'url', ...outcome.question }]
      return errorAnswer(id, CODES.urlRequired, outcome.text, { elicitations })
    }
    case 'nothing':
      return resultAnswer(id, { completion: { values: [] } })
    case 'input-required':
      throw new TypeError('a client of MCP 2025-11-25 does not repeat its calls')
  }
}

/** Adds the line that is due to a tool's good result. */
async function withNotice(
  { method }: Request,
  answer: Message,
  notice: (() => Promise<string | undefined>) | undefined,
): Promise<Message> {
  const { result } = answer
  if (method !== 'tools/call' || !isJsonObject(result) || !Array.isArray(result['content']) || result['isError'])
    return answer
  const text = await notice?.()
  if (text === undefined) return answer
  return { ...answer, result: { ...result, content: [...result['content'], { type: 'text', text }] } }
}

/** The name for the form and the audit log. */
function toolOf({ method, params }: Request): string {
  const name = method === 'tools/call' ? params?.['name'] : undefined
  return (typeof name === 'string' && name !== '' ? name : method).slice(0, 128)
}
