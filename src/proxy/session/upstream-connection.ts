import { setTimeout as delay } from 'node:timers/promises'
import { type Message, notification, type Request } from '../upstream/message.ts'
import { type CredentialCall, type Upstream, UpstreamProblem, type UpstreamSession } from '../upstream/upstream.ts'

/** The session at the upstream that belongs to one session of a client. It lives as long as one version of the credential. */
export interface UpstreamConnection {
  /** What is open now. */
  current(): Connected | undefined
  /** Returns a session for the call's version of the credential. Opens one if there is none; concurrent calls share the attempt. */
  for(call: CredentialCall): Promise<UpstreamSession>
  /** Opens a session and returns the upstream's answer to `initialize`, which may be an error. */
  initialize(call: CredentialCall): Promise<Message>
  /** Tells the upstream that the client has begun. A session that is opened later is told at once. */
  initialized(call: CredentialCall): Promise<void>
  /** Forgets the session, so that the next call opens another. */
  drop(session: UpstreamSession): void
  /** Returns what is open, for its end. Nothing is opened afterwards. */
  close(): UpstreamSession | undefined
  /** Resolves once a session is open, or the signal aborts. */
  opened(signal: AbortSignal): Promise<void>
}

export interface Connected {
  readonly session: UpstreamSession
  readonly version: string | undefined
  /** The upstream's answer to `initialize`. */
  readonly answer: Message
  /** Aborts when the session is not used any more. */
  readonly ended: AbortSignal
}

export interface ConnectionParts {
  readonly upstream: Pick<Upstream, 'open'>
  /** The client's `initialize`, with the revision of the protocol that the client was told. */
  readonly initialize: () => Request
  /** What the client said before there was a session, to be repeated in each new one. */
  readonly repeated: () => readonly Request[]
  /** A session was opened in place of another one, or after the client was answered by the catalogue. */
  readonly onLateOpen: () => void
}

const END_MILLISECONDS = 2_000
const INITIALIZED = notification('initialized')

export function createUpstreamConnection(parts: ConnectionParts): UpstreamConnection {
  const waiting = new Set<() => void>()
  let current: (Connected & { readonly end: () => void }) | undefined
  let opening: Promise<Message> | undefined
  let untold: UpstreamSession | undefined
  let closed = false

  async function tell(session: UpstreamSession, call: CredentialCall): Promise<void> {
    if (untold !== session) return
    untold = undefined
    await session.send(INITIALIZED, call)
  }

  async function open(call: CredentialCall, late: boolean): Promise<Message> {
    const { session, answer } = await parts.upstream.open(parts.initialize(), call)
    if (answer.error) return answer
    // A server may ask its client from then on, who should have a stream by then.
    if (late) await session.send(INITIALIZED, call)
    else untold = session
    for (const request of parts.repeated()) for await (const _ of (await session.send(request, call)).events);
    if (closed) {
      await session.end(call)
      throw new UpstreamProblem('session-ended', 'The session has ended.')
    }
    const ended = new AbortController()
    current = { session, answer, version: call.version, ended: ended.signal, end: () => ended.abort() }
    for (const go of [...waiting]) go()
    if (late) parts.onLateOpen()
    return answer
  }

  function shared(call: CredentialCall, late: boolean): Promise<Message> {
    if (opening) return opening
    const attempt = open(call, late).finally(() => {
      if (opening === attempt) opening = undefined
    })
    opening = attempt
    return attempt
  }

  function drop(session: UpstreamSession): void {
    if (current?.session !== session) return
    current.end()
    current = undefined
  }

  /** Ends a session of another version with the version that is in use now. A server that hangs must not delay the call. */
  async function endOld(session: UpstreamSession, call: CredentialCall): Promise<void> {
    drop(session)
    const ended = session.end(call).catch(() => undefined)
    await Promise.race([ended, delay(END_MILLISECONDS, undefined, { ref: false })])
  }

  return {
    current: () => current,
    drop,
    initialize: (call) => shared(call, false),
    async initialized(call) {
      if (current) await tell(current.session, call)
    },

    close() {
      closed = true
      const open = current?.session
      if (open) drop(open)
      return open
    },

    async for(call) {
      for (;;) {
        if (current && current.version === call.version) {
          const { session } = current
          await tell(session, call)
          return session
        }
        const ending = current ? endOld(current.session, call) : undefined
        const isOwn = opening === undefined
        const answer = await shared(call, true).catch((error: unknown) => {
          // The call that began it was cancelled.
          if (isOwn || call.signal.aborted) throw error
          return undefined
        })
        await ending
        if (answer?.error) throw new UpstreamProblem('refused', 'The upstream server refused to open a session.')
      }
    },

    opened: (signal) =>
      new Promise((resolve) => {
        if (current || signal.aborted) return resolve()
        const go = () => {
          waiting.delete(go)
          signal.removeEventListener('abort', go)
          resolve()
        }
        waiting.add(go)
        signal.addEventListener('abort', go)
      }),
  }
}
