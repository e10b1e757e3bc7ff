import { isCredentialVaultError } from '../../core/model/errors.ts'
import { authInfoOf } from '../../mcp/transport/http-mount.ts'
import { isListMethod } from '../catalogue/catalogue.ts'
import {
  asMessage,
  CODES,
  errorAnswer,
  type Message,
  notification,
  type Request,
  resultAnswer,
} from '../upstream/message.ts'
import { UpstreamProblem } from '../upstream/upstream.ts'
import { withoutAsking } from './credential-call.ts'
import { gatedRequest } from './gated-request.ts'
import { proxyClientPort } from './proxy-client-port.ts'
import { type ProxyExchange, unaskedCall } from './proxy-exchange.ts'
import { type Answered, relayRequest } from './relayed-request.ts'

/** Answers one request of a client. Nobody is asked for a list or a ping; everything else passes the gate, unknown methods too. */
export async function serveRequest(served: ProxyExchange, message: Request): Promise<void> {
  const { session, reply } = served
  const { id } = message
  if (session.running.has(id)) return reply.refuse(400, 'A request with this id is still running.')
  const running = new AbortController()
  const cancel = () => running.abort()
  session.running.set(id, running)
  reply.gone.addEventListener('abort', cancel)
  if (reply.gone.aborted) cancel()
  const progress = { resumable: false }
  try {
    const answered = await answerTo(served, message, { signal: running.signal, progress })
    if (!answered) return reply.end()
    const { answer, event, status = 200 } = answered
    await reply.finish(answer, { event, status })
  } catch (error) {
    if (!running.signal.aborted) return await reply.finish(errorAnswer(id, CODES.server, textOf(error)))
    // A cancelled request gets no answer.
    reply.end()
    const wanted = asMessage(running.signal.reason)
    // A client that is gone may still take up the stream where it broke off.
    if (wanted || !progress.resumable) await cancelUpstream(served, message, wanted)
  } finally {
    session.running.delete(id)
    reply.gone.removeEventListener('abort', cancel)
  }
}

interface Running {
  readonly signal: AbortSignal
  readonly progress: { resumable: boolean }
}

async function answerTo(
  served: ProxyExchange,
  message: Request,
  { signal, progress }: Running,
): Promise<Answered | undefined> {
  const { route, session, exchange, reply } = served
  const { id, method } = message
  if (method === 'ping') return inPlace(resultAnswer(id, {}))
  const refusal = route.catalogue.refuses(message)
  if (refusal !== undefined) return inPlace(errorAnswer(id, CODES.server, refusal))
  const unasked = (inPlaceOf: () => unknown) => answerUnasked(served, message, { signal, progress }, inPlaceOf)
  if (method === 'logging/setLevel') {
    session.wantsLevel(message)
    return unasked(() => ({}))
  }
  if (isListMethod(method)) {
    const listed = await unasked(() => route.catalogue.list(method))
    return listed && { ...listed, answer: route.catalogue.pass(method, listed.answer) }
  }
  const { ctx } = exchange
  const { owner, notices } = session
  return gatedRequest({
    ...{ route, owner, message, notices, signal },
    client: proxyClientPort({ session, request: message, reply, signal, headers: ctx.req.headers }),
    authInfo: authInfoOf(ctx),
    relay: (inside) => relayRequest({ session, message, reply, progress }, inside),
  })
}

/** Relays a request for which nobody is asked. `inPlaceOf` has the result for a user who has not connected. */
async function answerUnasked(
  served: ProxyExchange,
  message: Request,
  { signal, progress }: Running,
  inPlaceOf: () => unknown,
): Promise<Answered | undefined> {
  const { route, session, reply } = served
  const relayed = await withoutAsking(route.provider, unaskedCall(served, message.method, signal), (inside) =>
    relayRequest({ session, message, reply, progress }, inside),
  )
  switch (relayed.kind) {
    case 'not-connected':
      return inPlace(resultAnswer(message.id, inPlaceOf()))
    case 'withheld':
      return inPlace(errorAnswer(message.id, CODES.server, 'The answer contained a secret and was withheld.'))
    case 'done':
      return relayed.result
  }
}

function inPlace(answer: Message): Answered {
  return { answer, event: {} }
}

/** The client is gone, and nothing else tells the upstream to stop. */
async function cancelUpstream(
  served: ProxyExchange,
  { id, method }: Request,
  wanted: Message | undefined,
): Promise<void> {
  const { route, session } = served
  const upstream = session.connection.current()?.session
  if (!upstream) return
  const call = unaskedCall(served, method, AbortSignal.timeout(CANCEL_MILLISECONDS))
  const message = wanted ?? notification('cancelled', { requestId: id, reason: 'The client has disconnected.' })
  await withoutAsking(route.provider, call, async ({ call: inside }) => {
    await upstream.send(message, inside)
  }).catch(() => undefined)
}

const CANCEL_MILLISECONDS = 10_000

/** Our errors' texts are for operators and name no value; what a library throws may quote anything. */
export function textOf(error: unknown): string {
  if (error instanceof UpstreamProblem) return error.message
  if (isCredentialVaultError(error)) return `The proxy could not send the request (${error.reason ?? error.code}).`
  return 'The proxy could not send the request.'
}
