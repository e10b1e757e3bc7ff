import type { ClientPort } from '../../core/gate/client-port.ts'
import type { CompletionNotices } from '../../core/gate/completion-notices.ts'
import { type GateOutcome, passGate } from '../../core/gate/gate.ts'
import type { CallKind } from '../../core/gate/gated-call.ts'
import { createToolCall } from '../../core/gate/tool-call.ts'
import { isJsonObject } from '../../core/model/json.ts'
import { type Owner, sameOwner, twoUsers } from '../../core/model/owner.ts'
import { promptAnswer, textAnswer, withNotice } from '../../mcp/adapter/tool-answers.ts'
import type { ProxyRoute } from '../session/proxy-route.ts'
import { CODES, errorAnswer, type Message, type Request, resultAnswer } from '../upstream/message.ts'
import { type CallInside, insideGate } from './credential-call.ts'
import type { Answered } from './relayed-request.ts'

export interface GatedRequest {
  readonly route: ProxyRoute
  readonly owner: Owner
  readonly message: Request
  readonly client: ClientPort
  readonly notices: CompletionNotices
  readonly signal: AbortSignal
  readonly authInfo: unknown
  /** Sends the request on. Resolves to undefined if the client can take up the stream that still owes the answer. */
  readonly relay: (inside: CallInside) => Promise<Answered | undefined>
}

/** Relays a request once the caller's own credential is there, and asks for it otherwise. */
export async function gatedRequest(gated: GatedRequest): Promise<Answered | undefined> {
  const { route, owner, message, client, notices, signal, authInfo, relay } = gated
  const { provider, failFast } = route
  const outcome = await passGate<Answered | undefined>({
    provider,
    failFast,
    // Only HTTP 401 rejects a credential, and a server that answers it has not taken the call.
    retry: true,
    ...namedAs(message),
    client,
    notices,
    authInfo,
    toolCall: createToolCall(askedFor(route, message)),
    async handler(...inside) {
      const call = inside[1].outermost()?.call
      if (!call || !sameOwner(call.user, owner)) throw twoUsers()
      return relay(await insideGate(provider, call, signal, inside))
    },
  })
  if (outcome.kind !== 'result') return { answer: answerInPlace(message, outcome), event: {}, isOwn: true }
  const { result, notice } = outcome
  const received = result?.answer.result
  if (!result || !isJsonObject(received) || message.method !== 'tools/call') return result
  const noticed = await withNotice({ kind: 'result', result: received, ...(notice && { notice }) })
  return { ...result, answer: { ...result.answer, result: noticed } }
}

/** The gate asks nobody for a completion. What it does not know counts as a tool. */
const KINDS: Readonly<Record<string, CallKind>> = {
  'prompts/get': 'prompt',
  'resources/read': 'resource',
  'completion/complete': 'completion',
}

/** Names the call for the form, the audit log and the state of its legs. A URI may say more than a log should hold. */
export function namedAs({ method, params }: Request): { readonly kind: CallKind; readonly tool: string | undefined } {
  const kind = KINDS[method] ?? 'tool'
  const isNamed = method === 'tools/call' || method === 'prompts/get'
  const name = isNamed ? params?.['name'] : undefined
  if (typeof name === 'string' && name !== '') return { kind, tool: name.slice(0, 128) }
  return { kind, tool: kind === 'tool' ? method.slice(0, 128) : undefined }
}

/** What a client repeats in each leg of a call: what it asks for, and from whom. Upstreams may share a credential, but never a state. */
export function askedFor({ name }: ProxyRoute, { method, params }: Request): object {
  const { _meta: _, requestState: __, inputResponses: ___, ...asked } = params ?? {}
  return { upstream: name, method, asked }
}

/** Answers a request that was not relayed. */
export function answerInPlace(
  { id, method }: Request,
  outcome: Exclude<GateOutcome<unknown>, { readonly kind: 'result' }>,
): Message {
  switch (outcome.kind) {
    case 'text':
      if (method === 'tools/call') return resultAnswer(id, textAnswer(outcome.text))
      if (method === 'prompts/get') return resultAnswer(id, promptAnswer(outcome.text))
      return errorAnswer(id, CODES.server, outcome.text)
    case 'url-required': {
      const elicitations = [{ mode: 'url', ...outcome.question }]
      return errorAnswer(id, CODES.urlRequired, outcome.text, { elicitations })
    }
    case 'nothing':
      return resultAnswer(id, { completion: { values: [] } })
    case 'input-required': {
      const { question, state: requestState } = outcome
      if (!question) return resultAnswer(id, { resultType: 'input_required', requestState })
      const { key, message, url } = question
      const inputRequests = { [key]: { method: 'elicitation/create', params: { mode: 'url', message, url } } }
      return resultAnswer(id, { resultType: 'input_required', inputRequests, requestState })
    }
  }
}
