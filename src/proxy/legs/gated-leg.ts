import { isCallState } from '../../core/gate/call-state.ts'
import { createCompletionNotices } from '../../core/gate/completion-notices.ts'
import { isJsonObject } from '../../core/model/json.ts'
import { authInfoOf } from '../../mcp/transport/http-mount.ts'
import { repeatingAnswer } from '../era/results.ts'
import { answerInPlace, gatedRequest } from '../relay/gated-request.ts'
import type { Answered } from '../relay/relayed-request.ts'
import { errorAnswer, type Message, type Request, resultAnswer } from '../upstream/message.ts'
import { type CallSink, createHeldCall, type HeldCall, type LegEnd } from './held-call.ts'
import { hasLegs, legClientPort } from './leg-client-port.ts'
import { type LegRequest, relayOnward } from './leg-request.ts'
import { type LegState, openLegState, sealLegState } from './leg-state.ts'

/** Names the question of an upstream that waits in its session for the answer. */
const KEY = 'upstream'

/** Answers one leg of a request that needs the credential: the gate's question comes first, and the upstream's afterwards. */
export async function gatedLeg(leg: LegRequest): Promise<Answered | undefined> {
  const { route, owner, message, services } = leg
  const state = openLegState({ route, user: owner, message })
  if (state === 'invalid') return { answer: errorAnswer(message.id, INVALID_PARAMS, FOREIGN_STATE), event: {} }
  if (typeof state === 'object' && 'held' in state) return goOn(leg, services.held.take(owner, state.held))
  const held = createHeldCall((sink) => begin(leg, state, sink))
  return legEnd(leg, held, await held.next(leg))
}

/** Goes on with a call that waits in this process. */
async function goOn(leg: LegRequest, held: HeldCall | undefined): Promise<Answered | undefined> {
  const { message } = leg
  const question = held?.question()
  if (!held || !question) return { answer: answerInPlace(message, { kind: 'text', text: NOT_IN_TIME }), event: {} }
  const { inputResponses } = message.params ?? {}
  const isAnswered = isJsonObject(inputResponses) && Object.hasOwn(inputResponses, KEY)
  // A client may come back without an answer, and is asked again.
  if (!isAnswered) return legEnd(leg, held, { kind: 'question', question })
  try {
    const [end] = await Promise.all([held.next(leg), held.answer(inputResponses[KEY])])
    return legEnd(leg, held, end)
  } catch (error) {
    // The upstream did not take the answer, so it would wait for ever.
    held.end()
    throw error
  }
}

function begin(leg: LegRequest, state: LegState | 'none', sink: CallSink): Promise<Answered | undefined> {
  const { route, owner, message, exchange, services } = leg
  const { signal, reply } = sink
  const run = () =>
    gatedRequest({
      ...{ route, owner, message, signal },
      client: legClientPort({ request: message, reply, signal, headers: exchange.ctx.req.headers }),
      notices: createCompletionNotices(),
      authInfo: authInfoOf(exchange.ctx),
      relay(inside) {
        services.arrivals.arrived(owner)
        return relayOnward(leg, { message: withUpstreamState(leg, state), sink, asks: hasLegs(message) }, inside)
      },
    })
  return services.hold(run)
}

/** The request as the upstream gets it: with what it has asked for itself, and nothing that the gate has. */
function withUpstreamState({ message, route }: LegRequest, state: LegState | 'none'): Request {
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

function legEnd(leg: LegRequest, held: HeldCall, end: LegEnd): Answered | undefined {
  const { message } = leg
  if (end.kind === 'question') return questionOf(leg, held, end.question)
  const { answered } = end
  // Each leg has an id of its own.
  return (
    answered && { ...answered, answer: { ...repeatingAnswer(message.method, sealed(leg, answered)), id: message.id } }
  )
}

function questionOf({ route, owner, message, services }: LegRequest, held: HeldCall, question: Request): Answered {
  const id = services.held.keep(owner, held)
  if (id === undefined) {
    held.end()
    return { answer: answerInPlace(message, { kind: 'text', text: TOO_MANY }), event: {} }
  }
  const { method, params = {} } = question
  const { elicitationId: _, ...asked } = params
  const requestState = sealLegState({ route, user: owner, message }, { held: id })
  const result = { resultType: 'input_required', inputRequests: { [KEY]: { method, params: asked } }, requestState }
  return { answer: resultAnswer(message.id, result), event: {} }
}

/** Returns the answer with the upstream's own state sealed, so that the client can neither read nor change it. */
function sealed({ route, owner: user, message }: LegRequest, { answer, isOwn }: Answered): Message {
  const { result } = answer
  if (isOwn || !isJsonObject(result) || result['resultType'] !== 'input_required') return answer
  const { requestState: upstream } = result
  if (typeof upstream !== 'string') return answer
  const requestState = sealLegState({ route, user, message }, { upstream })
  return { ...answer, result: { ...result, requestState } }
}

const INVALID_PARAMS = -32_602
const FOREIGN_STATE =
  'Invalid params: requestState is not of this call, or has lapsed. Begin the call again without it.'
const NOT_IN_TIME =
  'The upstream server asked a question, and the answer did not come within 45 seconds, or reached another process. Call again.'
const TOO_MANY = 'Too many calls of this user wait for answers. Answer some of them, then call again.'
