import { isCallState } from '../../core/gate/call-state.ts'
import { createCompletionNotices } from '../../core/gate/completion-notices.ts'
import { isJsonObject } from '../../core/model/json.ts'
import type { User } from '../../core/model/owner.ts'
import { authInfoOf } from '../../mcp/transport/http-mount.ts'
import { parameterHeaders } from '../era/request-headers.ts'
import { repeatingAnswer } from '../era/results.ts'
import { gatedRequest } from '../relay/gated-request.ts'
import type { Served } from '../relay/proxy-exchange.ts'
import type { Answered } from '../relay/relayed-request.ts'
import { errorAnswer, type Request } from '../upstream/message.ts'
import { UpstreamProblem } from '../upstream/upstream.ts'
import { legClientPort } from './leg-client-port.ts'
import { type LegState, openLegState, sealLegState } from './leg-state.ts'
import { relayLeg } from './relayed-leg.ts'

export interface LegRequest extends Served {
  readonly owner: User
  readonly message: Request
  readonly signal: AbortSignal
}

/** Answers one leg of a request that needs the credential: the gate's question comes first, and the upstream's afterwards. */
export async function gatedLeg(leg: LegRequest): Promise<Answered | undefined> {
  const { route, owner, message, reply, signal, exchange } = leg
  const state = openLegState({ route, user: owner, message })
  if (state === 'invalid') return { answer: errorAnswer(message.id, INVALID_PARAMS, FOREIGN_STATE), event: {} }
  const { headers } = exchange.ctx.req
  const answered = await gatedRequest({
    ...{ route, owner, message, signal },
    client: legClientPort({ request: message, reply, signal, headers }),
    notices: createCompletionNotices(),
    authInfo: authInfoOf(exchange.ctx),
    async relay(inside) {
      const requests = await route.upstream.requests?.(inside.call)
      if (!requests) throw new UpstreamProblem('refused', 'The upstream server speaks MCP 2025-11-25 only.')
      const parameters = parameterHeaders(headers)
      return relayLeg({ requests, message: onward(leg, state), reply, parameters }, inside)
    },
  })
  return answered && { ...answered, answer: repeatingAnswer(message.method, sealed(leg, answered).answer) }
}

/** The request as the upstream gets it: with what it has asked for itself, and nothing that the gate has. */
function onward({ message, route }: LegRequest, state: LegState | 'none'): Request {
  const { requestState, inputResponses, ...params } = message.params ?? {}
  const answers = isCallState(requestState) ? undefined : withoutGate(inputResponses, route.provider.name)
  return {
    ...message,
    params: {
      ...params,
      ...(answers && { inputResponses: answers }),
      ...(typeof state === 'object' && 'upstream' in state && { requestState: state.upstream }),
    },
  }
}

function withoutGate(answers: unknown, provider: string): object | undefined {
  if (!isJsonObject(answers)) return undefined
  const { [`credential:${provider}`]: _, ...others } = answers
  return others
}

/** Returns the answer with the upstream's own state sealed, so that the client can neither read nor change it. */
function sealed({ route, owner: user, message }: LegRequest, answered: Answered): Answered {
  const { answer } = answered
  const { result } = answer
  if (!isJsonObject(result) || result['resultType'] !== 'input_required') return answered
  const { requestState: upstream } = result
  // The gate has sealed its own.
  if (typeof upstream !== 'string' || answered.isOwn) return answered
  const requestState = sealLegState({ route, user, message }, { upstream })
  return { ...answered, answer: { ...answer, result: { ...result, requestState } } }
}

const INVALID_PARAMS = -32_602
const FOREIGN_STATE =
  'Invalid params: requestState is not of this call, or has lapsed. Begin the call again without it.'
