import { randomUUID } from 'node:crypto'
import type { CallInside } from '../relay/credential-call.ts'
import { passEvent } from '../relay/relayed-events.ts'
import { type Answered, CUT_OFF, DISCONNECTED } from '../relay/relayed-request.ts'
import type { Reply } from '../session/reply.ts'
import { isAnswer, isRequest, type Request } from '../upstream/message.ts'
import { UpstreamProblem, type UpstreamRequests } from '../upstream/upstream.ts'

export interface RelayedLeg {
  readonly requests: UpstreamRequests
  readonly message: Request
  readonly reply: Pick<Reply, 'send' | 'stream'>
  readonly parameters: Readonly<Record<string, string>>
}

/**
 * Sends a request to an upstream of MCP 2026-07-28 and passes on everything that comes before its answer.
 *
 * @throws `UpstreamProblem`, and what the handle throws
 */
export async function relayLeg(leg: RelayedLeg, inside: CallInside): Promise<Answered> {
  const { requests, message, reply, parameters } = leg
  // Two requests of one client may have the same id, since nothing joins them.
  const own = { ...message, id: randomUUID() }
  const { streams, events, status } = await requests.send(own, inside.call, parameters)
  if (streams) reply.stream()
  const path = { reply, upstream: requests, places: undefined }
  for await (const event of events) {
    const { message: received } = event
    // A server of this revision asks by its results alone.
    if (!received || isRequest(received)) continue
    if (!isAnswer(received)) {
      await passEvent({ message: received }, inside, path)
      continue
    }
    const isOwn = received.id === own.id || (received.error !== undefined && (received.id ?? null) === null)
    if (!isOwn) continue
    if (!(await inside.isStillConnected())) throw new UpstreamProblem('refused', DISCONNECTED)
    return { answer: { ...received, id: message.id }, event: {}, ...(status !== undefined && { status }) }
  }
  throw new UpstreamProblem('failed', CUT_OFF)
}
