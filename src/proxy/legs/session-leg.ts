import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { isJsonObject } from '../../core/model/json.ts'
import type { User } from '../../core/model/owner.ts'
import type { McpSession } from '../../mcp/transport/mcp-sessions.ts'
import { OWN_INITIALIZE } from '../catalogue/catalogue.ts'
import { envelopeOf, META, withoutEnvelope } from '../era/envelope.ts'
import { repeatingAnswer } from '../era/results.ts'
import { useSession } from '../relay/begin-session.ts'
import type { CallInside } from '../relay/credential-call.ts'
import { type Answered, relayRequest } from '../relay/relayed-request.ts'
import type { SharedSessions } from '../relay/shared-sessions.ts'
import type { ProxyRoute } from '../session/proxy-route.ts'
import type { ProxySession } from '../session/proxy-session.ts'
import type { Connected } from '../session/upstream-connection.ts'
import { CODES, errorAnswer, isRequest, type Message, type Request } from '../upstream/message.ts'
import { type UpstreamEvent, UpstreamProblem, type UpstreamSession } from '../upstream/upstream.ts'
import type { CallSink } from './held-call.ts'
import { clientOf } from './leg-client-port.ts'
import { type Carry, createSessionStream, type SessionStream } from './session-stream.ts'

/** A session at an upstream that knows no requests without one. */
export interface LegSession {
  readonly session: ProxySession
  readonly stream: SessionStream
  readonly subscribed: SubscribedUris
}

/** Which resources the streams of one session follow. A session subscribes to each of them once. */
interface SubscribedUris {
  /** Returns whether it is the first. */
  add(connected: Connected, uri: string): boolean
  /** Returns whether it was the last. */
  remove(connected: Connected, uri: string): boolean
}

function createSubscribedUris(): SubscribedUris {
  const sessions = new WeakMap<Connected, Map<string, number>>()
  const change = (connected: Connected, uri: string, by: 1 | -1): number => {
    const counts = sessions.get(connected) ?? new Map<string, number>()
    const count = (counts.get(uri) ?? 0) + by
    if (count === 0) counts.delete(uri)
    else counts.set(uri, count)
    sessions.set(connected, counts)
    return count
  }
  return {
    add: (connected, uri) => change(connected, uri, 1) === 1,
    remove: (connected, uri) => change(connected, uri, -1) === 0,
  }
}

/** Who uses a session, and at which route. */
export interface SessionUse {
  readonly route: ProxyRoute
  readonly owner: User
  readonly services: { readonly sessions: SharedSessions }
}

const kept = new WeakMap<ProxySession, Omit<LegSession, 'session'>>()
const levels = new WeakMap<UpstreamSession, string>()

/**
 * Does work in the session of a client that has none: all its requests share one, as long as it says the same of itself.
 *
 * @throws `UpstreamProblem` if there is no room for another session
 */
export async function inSessionOf<R>(
  { route, owner: user, services }: SessionUse,
  message: Message,
  work: (session: LegSession) => Promise<R>,
): Promise<R> {
  const found = await services.sessions.find({
    user,
    owner: user,
    initialize: initializeOf(message),
    client: clientOf(message),
  })
  if (!found) throw new UpstreamProblem('failed', 'The proxy has no room for another session. Try again later.')
  const own = kept.get(found.transport) ?? { stream: createSessionStream(), subscribed: createSubscribedUris() }
  kept.set(found.transport, own)
  // A request keeps the upstream with which it began, whatever a new configuration says.
  const session = found.transport.on(() => route.upstream)
  return used(found, () => work({ session, ...own }))
}

async function used<R>(found: McpSession<ProxySession>, work: () => Promise<R>): Promise<R> {
  const results: R[] = []
  await useSession(found, async () => void results.push(await work()))
  return results[0] as R
}

function initializeOf(message: Message): Request {
  const { meta, capabilities } = envelopeOf(message)
  const { [META.client]: info } = meta
  const clientInfo = isJsonObject(info) ? info : OWN_INITIALIZE.params?.['clientInfo']
  return { ...OWN_INITIALIZE, params: { ...OWN_INITIALIZE.params, capabilities, clientInfo } }
}

/** Logs come on another stream than the answer, and a little later. */
const LATE_MILLISECONDS = 50

export interface SessionLeg {
  readonly message: Request
  readonly sink: CallSink
  /** Whether the upstream may ask the client during the request. */
  readonly asks: boolean
  readonly carry: Carry
  /** Tells the upstream that nobody waits for its answer any more. */
  readonly cancel: (upstream: UpstreamSession, request: Request) => void
}

/** Sends a request of MCP 2026-07-28 in a session of MCP 2025-11-25, and returns its answer as the newer revision has it. */
export async function relayInSession(
  { session, stream }: LegSession,
  { message, sink, asks, carry, cancel }: SessionLeg,
  inside: CallInside,
): Promise<Answered | undefined> {
  const { signal } = sink
  const upstream = await session.connection.for(inside.call)
  await wantLevel(session, upstream, message, inside)
  const over = new AbortController()
  const own = { ...withoutEnvelope(message), id: randomUUID() }
  const reply = asks ? sink.reply : { ...sink.reply, send: (event: UpstreamEvent) => unlessAsked(event) }
  async function unlessAsked(event: UpstreamEvent): Promise<void> {
    const { message: question } = event
    if (!question || !isRequest(question)) return sink.reply.send(event)
    await upstream.send(errorAnswer(question.id, CODES.server, NOT_ASKED), inside.call)
  }
  if (asks) {
    sink.answerBy(async (answer) => void (await upstream.send(answer, inside.call)))
    const member = {
      notice: (one: Message) => (one.method === 'notifications/message' ? reply.send({ message: one }) : done()),
      asked: (question: Request) => reply.send({ message: question }),
    }
    const connected = mayBeAsked(message) ? session.connection.current() : undefined
    if (connected) await stream.join(member, connected, { carry, signal: AbortSignal.any([signal, over.signal]) })
  }
  try {
    const answered = await relayRequest({ session, message: own, reply, progress: { resumable: false } }, inside)
    if (envelopeOf(message).logLevel !== undefined) await delay(LATE_MILLISECONDS)
    const server = serverOf(session)
    return (
      answered && { answer: { ...repeatingAnswer(message.method, answered.answer, server), id: message.id }, event: {} }
    )
  } catch (error) {
    if (signal.aborted) cancel(upstream, own)
    throw error
  } finally {
    over.abort()
  }
}

async function done(): Promise<void> {}

/** Only such a request makes the standing stream worth its cost. */
function mayBeAsked(message: Message): boolean {
  const { capabilities, logLevel } = envelopeOf(message)
  return logLevel !== undefined || ['elicitation', 'sampling', 'roots'].some((name) => name in capabilities)
}

export function serverOf({ connection }: ProxySession): unknown {
  const result = connection.current()?.answer.result
  return isJsonObject(result) ? result['serverInfo'] : undefined
}

/** MCP 2025-11-25 has one log level for a session, and 2026-07-28 one for each request. The last one counts. */
async function wantLevel(
  session: ProxySession,
  upstream: UpstreamSession,
  message: Message,
  inside: CallInside,
): Promise<void> {
  const { logLevel: level } = envelopeOf(message)
  if (level === undefined || levels.get(upstream) === level) return
  const request: Request = { jsonrpc: '2.0', id: randomUUID(), method: 'logging/setLevel', params: { level } }
  session.wantsLevel(request)
  levels.set(upstream, level)
  for await (const _ of (await upstream.send(request, inside.call)).events);
}

const NOT_ASKED = 'The client of MCP 2026-07-28 can only be asked during calls of tools, prompts and resources.'
