import { UpstreamProblem, type UpstreamSession } from '../upstream/upstream.ts'
import { type CallInside, withoutAsking } from './credential-call.ts'
import { type ProxyExchange, unaskedCall } from './proxy-exchange.ts'
import { passEvent } from './relayed-events.ts'

/**
 * Serves a standing stream. It opens before there is a session at the upstream, and carries what comes from there once there is one; if
 * the upstream has no such stream, it stays open for messages of the proxy's own.
 */
export async function serveListening(served: ProxyExchange): Promise<void> {
  const { session, exchange, reply } = served
  const lastEventId = exchange.ctx.get('last-event-id') || undefined
  const remove = session.stand(reply)
  try {
    if (!session.upstream()) {
      reply.stream()
      await session.connected(reply.gone)
    }
    const upstream = session.upstream()
    if (!upstream || !reply.isOpen()) return reply.end()
    const end = await follow(served, upstream, lastEventId)
    if (end === 'ended') return reply.end()
    reply.stream()
    await closed(reply.gone)
  } catch (error) {
    reply.refuse(502, error instanceof UpstreamProblem ? error.message : 'The stream ended.')
  } finally {
    remove()
  }
}

async function follow(
  served: ProxyExchange,
  upstream: UpstreamSession,
  lastEventId: string | undefined,
): Promise<'no-stream' | 'ended'> {
  const { route, reply } = served
  const call = unaskedCall(served, 'standing stream', reply.gone)
  const followed = await withoutAsking(route.provider, call, async (inside: CallInside) => {
    const events = await upstream.listen(inside.call, lastEventId)
    if (!events) return 'no-stream'
    reply.stream()
    for await (const event of events) await passEvent(event, inside, { reply, upstream })
    return 'ended'
  })
  return followed.kind === 'done' ? followed.result : 'ended'
}

function closed(gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (gone.aborted) resolve()
    else gone.addEventListener('abort', () => resolve(), { once: true })
  })
}
