import { setTimeout as delay } from 'node:timers/promises'
import type { CallInside } from '../relay/credential-call.ts'
import { passEvent } from '../relay/relayed-events.ts'
import type { Connected } from '../session/upstream-connection.ts'
import { CODES, errorAnswer, isRequest, type Message, type Request } from '../upstream/message.ts'
import type { UpstreamEvent, UpstreamSession } from '../upstream/upstream.ts'

/**
 * The standing stream of one session at an upstream, for all requests that share the session. A server has one such stream for a session,
 * and sends there what belongs to no request, or what it does not say to belong to one.
 */
export interface SessionStream {
  /**
   * Takes part in the stream until the signal aborts. Resolves once the stream is open, or soon, to a promise of its end: the credential is
   * no longer accepted. A server without such a stream has none that could end.
   */
  join(
    member: StreamMember,
    connected: Connected,
    parts: { readonly carry: Carry; readonly signal: AbortSignal },
  ): Promise<{ readonly over: Promise<void> }>
}

export interface StreamMember {
  notice(message: Message): Promise<void>
  /** Passes on a question of the upstream. Without it the member is asked none. */
  asked?(question: Request): Promise<void>
}

/** Does work that needs the credential, until the signal aborts. */
export type Carry = (signal: AbortSignal, work: (inside: CallInside) => Promise<void>) => Promise<unknown>

/** How long the stream is kept for the next request. A server that sees one stream end late would refuse the next one. */
const KEPT_MILLISECONDS = 30_000
/** A server may send the headers of the stream with its first event only. */
const OPENING_MILLISECONDS = 50
const PAUSE_MILLISECONDS = 1_000

export function createSessionStream(): SessionStream {
  const members = new Set<StreamMember>()
  let pump: Pump | undefined
  let leaving: NodeJS.Timeout | undefined

  function start(connected: Connected, carry: Carry): Pump {
    pump?.stop()
    const stopped = new AbortController()
    const signal = AbortSignal.any([stopped.signal, connected.ended])
    const opened = createLatch()
    const over = createLatch()
    const started = { connected, opened: opened.promise, over: over.promise, stop: () => stopped.abort() }
    pump = started
    void run(connected.session, { signal, carry, opened: opened.resolve }).then((end) => {
      opened.resolve()
      if (end !== 'none') over.resolve()
      // A server without a stream is not asked again in the same session.
      if (pump === started && end !== 'none') pump = undefined
    })
    return started
  }

  async function run(upstream: UpstreamSession, { signal, carry, opened }: Running): Promise<'none' | 'refused'> {
    for (;;) {
      let end: 'none' | 'refused' | 'ended' = 'refused'
      await carry(signal, async (inside) => {
        const events = await upstream.listen({ ...inside.call, signal }, undefined)
        end = events ? 'ended' : 'none'
        opened()
        const reply = { send: (event: UpstreamEvent) => distribute(event, upstream, inside) }
        for await (const event of events ?? []) await passEvent(event, inside, { reply, upstream, places: undefined })
      }).catch(() => undefined)
      const isOver = await settledEnd(end, signal)
      if (isOver) return isOver
    }
  }

  async function distribute({ message }: UpstreamEvent, upstream: UpstreamSession, inside: CallInside): Promise<void> {
    if (!message) return
    if (!isRequest(message)) return void (await Promise.all([...members].map((member) => member.notice(message))))
    const asking = [...members].filter(({ asked }) => asked)
    const [only] = asking
    // With two calls at once, nothing says which of them the server asks for.
    if (asking.length === 1 && only?.asked) return only.asked(message)
    await upstream.send(errorAnswer(message.id, CODES.server, NOBODY), inside.call)
  }

  function leave(member: StreamMember): void {
    members.delete(member)
    if (members.size > 0) return
    clearTimeout(leaving)
    leaving = setTimeout(() => {
      if (members.size === 0) pump?.stop()
    }, KEPT_MILLISECONDS).unref()
  }

  return {
    async join(member, connected, { carry, signal }) {
      if (signal.aborted) return { over: Promise.resolve() }
      members.add(member)
      signal.addEventListener('abort', () => leave(member), { once: true })
      const { opened, over } = pump?.connected === connected ? pump : start(connected, carry)
      await Promise.race([opened, delay(OPENING_MILLISECONDS)])
      return { over }
    },
  }
}

/** Returns how the stream has ended for good, or undefined after a pause. */
async function settledEnd(
  end: 'none' | 'refused' | 'ended',
  signal: AbortSignal,
): Promise<'none' | 'refused' | undefined> {
  if (end !== 'ended') return end
  await delay(PAUSE_MILLISECONDS, undefined, { signal, ref: false }).catch(() => undefined)
  return signal.aborted ? 'refused' : undefined
}

interface Pump {
  readonly connected: Connected
  readonly opened: Promise<void>
  readonly over: Promise<void>
  readonly stop: () => void
}

interface Running {
  readonly signal: AbortSignal
  readonly carry: Carry
  readonly opened: () => void
}

const NOBODY = 'Nobody can be asked: the server has to ask during exactly one call.'

function createLatch(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let open: () => void = () => undefined
  const promise = new Promise<void>((resolve) => {
    open = resolve
  })
  return { promise, resolve: () => open() }
}
