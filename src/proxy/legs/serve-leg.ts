import { isJsonObject } from '../../core/model/json.ts'
import type { User } from '../../core/model/owner.ts'
import { answerJson, type McpExchange } from '../../mcp/transport/http-mount.ts'
import { isListMethod, OWN_INITIALIZE } from '../catalogue/catalogue.ts'
import { REVISION } from '../era/envelope.ts'
import { inboundProblem } from '../era/inbound.ts'
import { parameterHeaders } from '../era/request-headers.ts'
import { discoveryOf, repeatingAnswer } from '../era/results.ts'
import { withoutAsking } from '../relay/credential-call.ts'
import { measured } from '../relay/measured.ts'
import { credentialOwner, type Served, unaskedCall } from '../relay/proxy-exchange.ts'
import type { Answered } from '../relay/relayed-request.ts'
import { textOf } from '../relay/serve-request.ts'
import type { ProxyRoute } from '../session/proxy-route.ts'
import { createReply } from '../session/reply.ts'
import { asMessage, CODES, errorAnswer, isRequest, type Message, resultAnswer } from '../upstream/message.ts'
import { UpstreamProblem } from '../upstream/upstream.ts'
import { gatedLeg, type LegRequest } from './gated-leg.ts'
import { clientOf } from './leg-client-port.ts'
import { relayLeg } from './relayed-leg.ts'

/** Answers one request of a client of MCP 2026-07-28, which has no session. */
export async function serveLeg(route: ProxyRoute, exchange: McpExchange): Promise<void> {
  const { ctx, body } = exchange
  const message = body && asMessage(body.value)
  if (!message) return answerJson(ctx, 400, 'The body must be one JSON-RPC message.')
  const reply = createReply(exchange)
  const problem = inboundProblem(message, ctx.req.headers)
  if (problem) {
    const { code, message: text, data } = problem
    return reply.finish(errorAnswer(message.id ?? null, code, text, data), { status: 400 })
  }
  const owner = await credentialOwner(route, exchange)
  if (!owner) return answerJson(ctx, 403, 'The access token names nobody whose credential could be used.')
  const served = { route, exchange, reply, owner, client: clientOf(message) }
  const { method = '' } = message
  if (isRequest(message)) return measured(served, message, (one) => serveRequest({ ...one, message }))
  await measured(served, { ...message, method }, (one) => forward(one, message))
  reply.end()
}

async function serveRequest(given: Omit<LegRequest, 'signal'>): Promise<void> {
  const { message, reply } = given
  const leg = { ...given, signal: reply.gone }
  try {
    const answered = await answerTo(leg)
    if (!answered) return reply.end()
    const { answer, status = 200 } = answered
    await reply.finish(answer, { status })
  } catch (error) {
    // A client that is gone has cancelled the request, and gets no answer.
    if (reply.gone.aborted) return reply.end()
    await reply.finish(errorAnswer(message.id, CODES.server, textOf(error)))
  }
}

async function answerTo(leg: LegRequest): Promise<Answered | undefined> {
  const { route, message } = leg
  const { id, method } = message
  const refusal = route.catalogue.refuses(message)
  if (refusal !== undefined) return { answer: errorAnswer(id, CODES.server, refusal), event: {} }
  if (method === 'server/discover') return discover(leg)
  if (!isListMethod(method)) return gatedLeg(leg)
  const listed = await unasked(leg, () => route.catalogue.list(method))
  return { ...listed, answer: repeatingAnswer(method, route.catalogue.pass(method, listed.answer)) }
}

/** What the server says of itself; for a user who has not connected, what the catalogue does. */
async function discover(leg: LegRequest): Promise<Answered> {
  const { route, message } = leg
  const known = () => {
    const initialize = route.catalogue.initialize(OWN_INITIALIZE)
    return discoveryOf(isJsonObject(initialize) ? initialize : {}, REVISION)
  }
  const answered = await unasked(leg, known).catch(
    (): Answered => ({ answer: resultAnswer(message.id, known()), event: {} }),
  )
  const { result } = answered.answer
  if (!isJsonObject(result)) return answered
  // Others would be revisions that the proxy does not know.
  const passed = { ...route.catalogue.passInitialize(result), supportedVersions: [REVISION] }
  return { ...answered, answer: repeatingAnswer(message.method, { ...answered.answer, result: passed }) }
}

/** Relays a request for which nobody is asked. `inPlaceOf` has the result for a user who has not connected. */
async function unasked(leg: LegRequest, inPlaceOf: () => unknown): Promise<Answered> {
  const { route, message, reply, signal, exchange } = leg
  const parameters = parameterHeaders(exchange.ctx.req.headers)
  const relayed = await withoutAsking(route.provider, unaskedCall(leg, message.method, signal), async (inside) => {
    const requests = await route.upstream.requests?.(inside.call)
    if (!requests) throw new UpstreamProblem('refused', 'The upstream server speaks MCP 2025-11-25 only.')
    return relayLeg({ requests, message, reply, parameters }, inside)
  })
  switch (relayed.kind) {
    case 'not-connected':
      return { answer: resultAnswer(message.id, inPlaceOf()), event: {} }
    case 'withheld':
      return { answer: errorAnswer(message.id, CODES.server, WITHHELD), event: {} }
    case 'done':
      return relayed.result
  }
}

async function forward(served: Served & { readonly owner: User }, message: Message): Promise<void> {
  const { route, reply } = served
  const call = unaskedCall(served, message.method ?? 'notification', reply.gone)
  await withoutAsking(route.provider, call, async ({ call: inside }) => {
    const requests = await route.upstream.requests?.(inside)
    await requests?.send(message, inside)
  }).catch(() => undefined)
}

const WITHHELD = 'The answer contained a secret and was withheld.'
