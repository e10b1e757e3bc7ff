import type { Connected } from '../session/upstream-connection.ts'
import { UpstreamProblem } from '../upstream/upstream.ts'
import { type CallInside, withoutAsking } from './credential-call.ts'
import { type ProxyExchange, unaskedCall } from './proxy-exchange.ts'
import { passEvent } from './relayed-events.ts'

/**
 * Serves a standing stream. It opens before there is a session at the upstream, and carries what comes from there once there is one; if
 * the upstream has no such stream, it stays open for messages of the proxy's own.
 */
export async function serveListening(served: ProxyExchange): Promise<void> {
  const { session, exchange, reply } = served
  const lastEventId = session.places.find(exchange.ctx.get('last-event-id'))
  const remove = session.stand(reply)
  try {
    let place = lastEventId
    while (reply.isOpen()) {
      if (!session.connection.current()) {
        reply.stream()
        await session.connection.opened(reply.gone)
      }
      if (!reply.isOpen()) break
      const connected = session.connection.current()
      // Another upstream has taken the place of the one that was waited for.
      if (!connected) continue
      const end = await follow(served, connected, place)
      if (end === 'no-stream') {
        reply.stream()
        await aborted(AbortSignal.any([reply.gone, connected.ended]))
      } else if (!connected.ended.aborted) break
      // The place is one in the streams of the session that has ended.
      place = undefined
    }
    reply.end()
  } catch (error) {
    reply.refuse(502, error instanceof UpstreamProblem ? error.message : 'The stream ended.')
  } finally {
    remove()
  }
}

async function follow(
  served: ProxyExchange,
  { session: upstream, ended }: Connected,
  lastEventId: string | undefined,
): Promise<'no-stream' | 'ended'> {
  const { route, session, reply } = served
  const call = unaskedCall(served, 'standing stream', AbortSignal.any([reply.gone, ended]))
  const followed = await withoutAsking(route.provider, call, async (inside: CallInside) => {
    const events = await upstream.listen(inside.call, lastEventId)
    if (!events) return 'no-stream'
    reply.stream()
    for await (const event of events) await passEvent(event, inside, { reply, upstream, places: session.places })
    return 'ended'
  }).catch((error: unknown) => {
    // Another session takes its place.
    if (ended.aborted) return { kind: 'done', result: 'ended' } as const
    throw error
  })
  return followed.kind === 'done' ? followed.result : 'ended'
}

function aborted(gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (gone.aborted) resolve()
    else gone.addEventListener('abort', () => resolve(), { once: true })
  })
}
