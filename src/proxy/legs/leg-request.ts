import type { User } from '../../core/model/owner.ts'
import { parameterHeaders } from '../era/request-headers.ts'
import { type CallInside, withoutAsking } from '../relay/credential-call.ts'
import { type Served, unaskedCall } from '../relay/proxy-exchange.ts'
import type { Answered } from '../relay/relayed-request.ts'
import type { SharedSessions } from '../relay/shared-sessions.ts'
import type { HoldRoute } from '../session/route-uses.ts'
import { notification, type Request } from '../upstream/message.ts'
import type { UpstreamSession } from '../upstream/upstream.ts'
import type { Arrivals } from './arrivals.ts'
import type { CallSink } from './held-call.ts'
import type { HeldCalls } from './held-calls.ts'
import { relayLeg } from './relayed-leg.ts'
import { inSessionOf, relayInSession } from './session-leg.ts'
import type { Carry } from './session-stream.ts'

/** One request of a client of MCP 2026-07-28. */
export interface LegRequest extends Served {
  readonly owner: User
  readonly message: Request
  readonly services: LegServices
}

/** What the requests of all clients of a route share. */
export interface LegServices {
  readonly sessions: SharedSessions
  readonly held: HeldCalls
  readonly arrivals: Arrivals
  /** What ends the open streams of notices. */
  readonly listening: Set<() => void>
  /** Keeps the route in use for a call that waits for its next leg. */
  readonly hold: HoldRoute
}

export interface Onward {
  /** The request as the upstream is to get it. */
  readonly message: Request
  readonly sink: CallSink
  /** Whether the client can be asked during the request. */
  readonly asks: boolean
}

/** Sends a request on in the upstream's own revision. */
export async function relayOnward(
  leg: LegRequest,
  { message, sink, asks }: Onward,
  inside: CallInside,
): Promise<Answered | undefined> {
  const { route, exchange } = leg
  const requests = await route.upstream.requests?.(inside.call)
  const parameters = parameterHeaders(exchange.ctx.req.headers)
  if (requests) return relayLeg({ requests, message, reply: sink.reply, parameters }, inside)
  const cancel = (upstream: UpstreamSession, request: Request) => void cancelled(leg, upstream, request)
  return inSessionOf(leg, message, (session) =>
    relayInSession(session, { message, sink, asks, cancel, carry: carryFor(leg) }, inside),
  )
}

/** Returns how the standing stream of a session is carried, which outlives the request. */
export function carryFor(leg: LegRequest): Carry {
  return (signal, work) => withoutAsking(leg.route.provider, unaskedCall(leg, 'standing stream', signal), work)
}

const CANCEL_MILLISECONDS = 10_000

async function cancelled(leg: LegRequest, upstream: UpstreamSession, { id, method }: Request): Promise<void> {
  const message = notification('cancelled', { requestId: id, reason: 'The client has disconnected.' })
  const call = unaskedCall(leg, method, AbortSignal.timeout(CANCEL_MILLISECONDS))
  await withoutAsking(leg.route.provider, call, async ({ call: inside }) => {
    await upstream.send(message, inside)
  }).catch(() => undefined)
}
