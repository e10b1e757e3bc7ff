import { isJsonObject } from '../../core/model/json.ts'
import { honored, listChanges, readFilter, type SubscriptionFilter } from '../era/subscription-filter.ts'
import { type CallInside, withoutAsking } from '../relay/credential-call.ts'
import { unaskedCall } from '../relay/proxy-exchange.ts'
import { errorAnswer, type Message } from '../upstream/message.ts'
import { type UpstreamEvent, UpstreamProblem, type UpstreamRequests } from '../upstream/upstream.ts'
import { carryFor, type LegRequest } from './leg-request.ts'
import { relayLeg } from './relayed-leg.ts'
import { inSessionOf, type LegSession } from './session-leg.ts'
import { ACKNOWLEDGED, createSubscriptionStream, type SubscriptionStream } from './subscription-stream.ts'

const INVALID_PARAMS = -32_602

interface Subscription {
  readonly leg: LegRequest
  readonly filter: SubscriptionFilter
  readonly stream: SubscriptionStream
}

/**
 * Serves a stream of notices. It opens before its user has connected, and follows the upstream from then on. A user who is disconnected
 * hears no more.
 */
export async function serveSubscription(leg: LegRequest): Promise<void> {
  const { route, message, reply, owner, services } = leg
  const filter = readFilter(message.params?.['notifications'])
  if (!filter) return reply.finish(errorAnswer(message.id, INVALID_PARAMS, NO_FILTER))
  const stream = createSubscriptionStream(reply, message, filter)
  const subscription = { leg, filter, stream }
  const end = () => void stream.finish()
  services.listening.add(end)
  try {
    let isConnected = await followed(subscription)
    while (!isConnected && reply.isOpen()) {
      const { changesOnConnect } = route.catalogue
      await stream.acknowledge({ lists: changesOnConnect ? filter.lists : [], uris: filter.uris })
      await services.arrivals.next(owner, reply.gone)
      if (changesOnConnect) for (const change of listChanges(filter)) await stream.notice(change)
      isConnected = reply.isOpen() && (await followed(subscription))
    }
    await stream.finish()
  } catch (error) {
    if (stream.isAcknowledged()) return reply.end()
    throw error
  } finally {
    services.listening.delete(end)
  }
}

/** Returns false if the user has not connected. */
async function followed(subscription: Subscription): Promise<boolean> {
  const { leg } = subscription
  const { route, reply, message } = leg
  const call = unaskedCall(leg, message.method, reply.gone)
  let carried: (() => Promise<void>) | undefined
  const relayed = await withoutAsking(route.provider, call, async (inside) => {
    const requests = await route.upstream.requests?.(inside.call)
    if (requests) return followRequests(subscription, requests, inside)
    carried = await inSessionOf(leg, message, (session) => enter(subscription, session, inside))
  })
  // The session's stream has a credential of its own.
  await carried?.()
  return relayed.kind !== 'not-connected'
}

async function followRequests(
  { leg, stream }: Subscription,
  requests: UpstreamRequests,
  inside: CallInside,
): Promise<void> {
  const { message, reply } = leg
  async function send({ message: received }: UpstreamEvent): Promise<void> {
    if (received?.method !== `notifications/${ACKNOWLEDGED}`) return received && stream.notice(received)
    const taken = readFilter(received.params?.['notifications'])
    await stream.acknowledge(taken ?? { lists: [], uris: [] })
  }
  const sink = { stream: reply.stream, send }
  const { answer, status = 200 } = await relayLeg({ requests, message, reply: sink, parameters: {} }, inside)
  if (answer.error && !stream.isAcknowledged()) await reply.finish(answer, { status })
}

/** Subscribes in a session. Returns what waits until the stream ends, and then unsubscribes. */
async function enter(
  { leg, filter, stream }: Subscription,
  { session, stream: standing, subscribed }: LegSession,
  inside: CallInside,
): Promise<() => Promise<void>> {
  const { reply, route } = leg
  await session.connection.for(inside.call)
  const connected = session.connection.current()
  if (!connected) throw new UpstreamProblem('session-ended', 'The session has ended.')
  const { answer, session: upstream } = connected
  const taken = honored(filter, isJsonObject(answer.result) ? answer.result['capabilities'] : undefined)
  const uris = taken.uris.filter((uri) => subscribed.add(connected, uri))
  const send = async (message: Message, to: CallInside) => {
    for await (const _ of (await upstream.send(message, to.call)).events);
  }
  for (const uri of uris) await send(request('resources/subscribe', uri), inside)
  const member = { notice: stream.notice }
  const { over } = await standing.join(member, connected, { carry: carryFor(leg), signal: reply.gone })
  reply.stream()
  await stream.acknowledge(taken)
  return async () => {
    await Promise.race([aborted(reply.gone), aborted(connected.ended), over])
    const left = taken.uris.filter((uri) => subscribed.remove(connected, uri))
    const call = unaskedCall(leg, 'resources/unsubscribe', AbortSignal.timeout(END_MILLISECONDS))
    if (left.length === 0 || connected.ended.aborted) return
    await withoutAsking(route.provider, call, async (later) => {
      for (const uri of left) await send(request('resources/unsubscribe', uri), later)
    }).catch(() => undefined)
  }
}

const END_MILLISECONDS = 5_000

function request(method: string, uri: string) {
  return { jsonrpc: '2.0', id: `${method} ${uri}`, method, params: { uri } } as const
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

const NO_FILTER = "Invalid params: 'notifications' has to name what the client wants to hear."
