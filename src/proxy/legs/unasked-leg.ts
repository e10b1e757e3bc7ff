import { isJsonObject } from '../../core/model/json.ts'
import { type ListMethod, OWN_INITIALIZE } from '../catalogue/catalogue.ts'
import { REVISION } from '../era/envelope.ts'
import { discoveryOf, repeatingAnswer } from '../era/results.ts'
import { type CallInside, withoutAsking } from '../relay/credential-call.ts'
import { unaskedCall } from '../relay/proxy-exchange.ts'
import type { Answered } from '../relay/relayed-request.ts'
import { CODES, errorAnswer, resultAnswer } from '../upstream/message.ts'
import type { UpstreamEvent } from '../upstream/upstream.ts'
import type { CallSink } from './held-call.ts'
import { noticeIn } from './leg-notices.ts'
import { type LegRequest, relayOnward } from './leg-request.ts'
import { relayLeg } from './relayed-leg.ts'
import { inSessionOf } from './session-leg.ts'

/** Answers a list. Nobody is asked for it. */
export async function listLeg(leg: LegRequest, method: ListMethod): Promise<Answered | undefined> {
  const { catalogue } = leg.route
  const listed = await unasked(
    leg,
    (inside) => relayOnward(leg, { message: leg.message, sink: plainSink(leg), asks: false }, inside),
    () => catalogue.list(method),
  )
  return listed && { ...listed, answer: repeatingAnswer(method, catalogue.pass(method, listed.answer)) }
}

/** Says what the server is, as it says itself; to a user who has not connected, and in an outage, as the catalogue does. */
export async function discover(leg: LegRequest): Promise<Answered> {
  const { route, message } = leg
  const known = () => {
    const initialize = route.catalogue.initialize(OWN_INITIALIZE)
    return discoveryOf(isJsonObject(initialize) ? initialize : {}, REVISION)
  }
  const answered = await unasked(leg, (inside) => discovered(leg, inside), known).catch(() => undefined)
  const result = answered?.answer.result
  if (!answered) await route.catalogue.ready?.()
  const passed = isJsonObject(result) ? route.catalogue.passInitialize(result) : known()
  // Others would be revisions that the proxy does not know.
  const answer = resultAnswer(message.id, { ...passed, supportedVersions: [REVISION] })
  return { answer: repeatingAnswer(message.method, answer), event: {} }
}

async function discovered(leg: LegRequest, inside: CallInside): Promise<Answered> {
  const { route, message, reply } = leg
  const requests = await route.upstream.requests?.(inside.call)
  if (requests) return relayLeg({ requests, message, reply, parameters: {} }, inside)
  return inSessionOf(leg, message, async ({ session }) => {
    await session.connection.for(inside.call)
    const initialize = session.connection.current()?.answer.result
    return {
      answer: resultAnswer(message.id, discoveryOf(isJsonObject(initialize) ? initialize : {}, REVISION)),
      event: {},
    }
  })
}

/** Relays a request for which nobody is asked. `inPlaceOf` has the result for a user who has not connected. */
async function unasked<A extends Answered | undefined>(
  leg: LegRequest,
  relay: (inside: CallInside) => Promise<A>,
  inPlaceOf: () => unknown,
): Promise<A | Answered> {
  const { route, message, reply } = leg
  const relayed = await withoutAsking(route.provider, unaskedCall(leg, message.method, reply.gone), relay)
  switch (relayed.kind) {
    case 'not-connected':
      await route.catalogue.ready?.()
      return { answer: resultAnswer(message.id, inPlaceOf()), event: {} }
    case 'withheld':
      return { answer: errorAnswer(message.id, CODES.server, WITHHELD), event: {} }
    case 'done':
      return relayed.result
  }
}

/** Where a request sends whose client is not asked anything. */
function plainSink({ reply, message }: LegRequest): CallSink {
  async function send({ message: received }: UpstreamEvent): Promise<void> {
    const notice = received && noticeIn(message, received)
    if (notice) await reply.send({ message: notice })
  }
  return { signal: reply.gone, reply: { stream: reply.stream, send }, answerBy: () => undefined }
}

const WITHHELD = 'The answer contained a secret and was withheld.'
