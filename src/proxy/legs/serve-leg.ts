import type { User } from '../../core/model/owner.ts'
import { answerJson, type McpExchange } from '../../mcp/transport/http-mount.ts'
import { isListMethod } from '../catalogue/catalogue.ts'
import { inboundProblem } from '../era/inbound.ts'
import { withoutAsking } from '../relay/credential-call.ts'
import { measured } from '../relay/measured.ts'
import { credentialOwner, type Served, unaskedCall } from '../relay/proxy-exchange.ts'
import type { Answered } from '../relay/relayed-request.ts'
import { textOf } from '../relay/serve-request.ts'
import type { ProxyRoute } from '../session/proxy-route.ts'
import { createReply } from '../session/reply.ts'
import { asMessage, CODES, errorAnswer, isRequest, type Message } from '../upstream/message.ts'
import { gatedLeg } from './gated-leg.ts'
import { clientOf } from './leg-client-port.ts'
import type { LegRequest, LegServices } from './leg-request.ts'
import { serveSubscription } from './serve-subscription.ts'
import { discover, listLeg } from './unasked-leg.ts'

/** Answers one request of a client of MCP 2026-07-28, which has no session. */
export async function serveLeg(route: ProxyRoute, services: LegServices, exchange: McpExchange): Promise<void> {
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
  if (isRequest(message)) return measured(served, message, (one) => serveRequest({ ...one, message, services }))
  await measured(served, { ...message, method }, (one) => forward(one, message))
  reply.end()
}

async function serveRequest(leg: LegRequest): Promise<void> {
  const { message, reply } = leg
  try {
    if (message.method === 'subscriptions/listen') return await serveSubscription(leg)
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
  return isListMethod(method) ? listLeg(leg, method) : gatedLeg(leg)
}

/** The server may know the notification. One that has sessions has its own. */
async function forward(served: Served & { readonly owner: User }, message: Message): Promise<void> {
  const { route, reply } = served
  const call = unaskedCall(served, message.method ?? 'notification', reply.gone)
  await withoutAsking(route.provider, call, async ({ call: inside }) => {
    const requests = await route.upstream.requests?.(inside)
    await requests?.send(message, inside)
  }).catch(() => undefined)
}
