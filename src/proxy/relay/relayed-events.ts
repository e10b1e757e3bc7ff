import type { EventPlaces } from '../session/event-places.ts'
import type { Reply } from '../session/reply.ts'
import { CODES, errorAnswer, isRequest } from '../upstream/message.ts'
import { type UpstreamEvent, UpstreamProblem, type UpstreamSession } from '../upstream/upstream.ts'
import type { CallInside } from './credential-call.ts'

/**
 * Passes one event of the upstream to the client, after a search for the secrets that were released. The end of each event is remembered,
 * since the next one may complete a secret. An event that has one is not sent; if it was a question, the upstream is told.
 */
export async function passEvent(
  event: UpstreamEvent,
  { call, guard, report, isStillConnected }: CallInside,
  { reply, upstream, places }: EventPath,
): Promise<void> {
  const { message } = event
  if (!(await isStillConnected())) throw new UpstreamProblem('refused', 'The credential was revoked.')
  const searched = [event.id, message]
  const found = guard.sourcesIn(searched)
  if (!found) {
    guard.sent(searched)
    const { id, ...others } = event
    return reply.send(id === undefined || !places ? others : { ...others, id: places.hide(id) })
  }
  await report(found)
  if (!message || !isRequest(message)) return
  const { events } = await upstream.send(errorAnswer(message.id, CODES.server, WITHHELD), call)
  for await (const _ of events);
}

export interface EventPath {
  readonly reply: Pick<Reply, 'send'>
  readonly upstream: Pick<UpstreamSession, 'send'>
  /** Undefined for a stream that the client cannot take up again. */
  readonly places: EventPlaces | undefined
}

const WITHHELD = 'The message contained a secret and was not passed on.'
