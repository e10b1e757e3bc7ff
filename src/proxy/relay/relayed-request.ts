import type { ProxySession } from '../session/proxy-session.ts'
import type { Reply } from '../session/reply.ts'
import { isAnswer, type Message, type Request } from '../upstream/message.ts'
import { type UpstreamEvent, UpstreamProblem, type UpstreamSession } from '../upstream/upstream.ts'
import type { CallInside } from './credential-call.ts'
import { passEvent } from './relayed-events.ts'

/** The answer of the upstream, and its place in the stream. */
export interface Answered {
  readonly answer: Message
  readonly event: Omit<UpstreamEvent, 'message'>
  /** The status of HTTP for an error. */
  readonly status?: number
  /** Whether the gate answered in place of the upstream. */
  readonly isOwn?: true
}

export interface Relaying {
  readonly session: ProxySession
  readonly message: Request
  readonly reply: Pick<Reply, 'send' | 'stream'>
  /** Set once the upstream has given a place from which its stream can be taken up again. */
  readonly progress: { resumable: boolean }
}

/**
 * Sends a request to the upstream and passes on everything that comes before its answer.
 *
 * @returns undefined if the upstream ended the stream early and the client can take it up again
 * @throws `UpstreamProblem`, and what the handle throws
 */
export async function relayRequest(relaying: Relaying, inside: CallInside): Promise<Answered | undefined> {
  const { connection } = relaying.session
  const upstream = await connection.for(inside.call)
  try {
    return await sendRequest(relaying, inside, upstream)
  } catch (error) {
    // The upstream knows no such session any more, so it has not taken the request.
    if (!(error instanceof UpstreamProblem) || error.kind !== 'session-ended') throw error
    connection.drop(upstream)
    return sendRequest(relaying, inside, await connection.for(inside.call))
  }
}

async function sendRequest(
  { message, reply, progress, session: { places } }: Relaying,
  inside: CallInside,
  upstream: UpstreamSession,
): Promise<Answered | undefined> {
  const { streams, events } = await upstream.send(message, inside.call)
  if (streams) reply.stream()
  for await (const event of events) {
    const { message: received, ...place } = event
    if (place.id !== undefined) progress.resumable = true
    if (!received || !isAnswer(received)) {
      await passEvent(event, inside, { reply, upstream, places })
      continue
    }
    const isOwn = received.id === message.id || (received.error !== undefined && (received.id ?? null) === null)
    if (!isOwn) continue
    if (!(await inside.isStillConnected())) throw new UpstreamProblem('refused', DISCONNECTED)
    return {
      answer: { ...received, id: message.id },
      event: place.id === undefined ? place : { ...place, id: places.hide(place.id) },
    }
  }
  if (progress.resumable) return undefined
  throw new UpstreamProblem('failed', CUT_OFF)
}

export const DISCONNECTED =
  'The credential was revoked while the call ran, so its result is not passed on. The call may have had an effect.'
export const CUT_OFF =
  'The upstream server ended the connection before it answered. The call may have had an effect. Check before you call it again.'
