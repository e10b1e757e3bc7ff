import { isCredentialVaultError } from '../../core/model/errors.ts'
import { isJsonObject } from '../../core/model/json.ts'
import type { Child } from '../children/child.ts'
import { asMessage, isAnswer, isRequest, type Message, type Request, type RequestId } from '../upstream/message.ts'
import { type UpstreamEvent, UpstreamProblem } from '../upstream/upstream.ts'
import { createEventQueue, type EventQueue } from './event-queue.ts'

/** The messages of one child: each is handed to the stream of the client that it belongs to. */
export interface ChildChannel {
  /**
   * Sends a request. The events end with its answer, or without one when the child ends.
   *
   * @throws `UpstreamProblem`: `session-ended` if nothing was delivered because the child has ended
   */
  request(message: Request, signal: AbortSignal): Promise<AsyncIterable<UpstreamEvent>>
  /** Sends a notification or an answer. Throws as `request` does. */
  send(message: Message): Promise<void>
  /** Receives what belongs to no request, until the signal aborts. It stays open after the child has ended, since another may follow. */
  listen(signal: AbortSignal): AsyncIterable<UpstreamEvent>
}

interface Open {
  readonly id: RequestId
  readonly progressToken: unknown
  readonly queue: EventQueue
}

/** Messages that wait for readers, before the child's output is not read on. */
const MAX_WAITING = 64
/** Messages that came while the client had no stream open. The next stream gets them; the oldest are dropped. */
const MAX_KEPT = 32
/** How often an open stream counts as use of a child that is silent, in milliseconds. */
const TOUCH_EVERY = 10_000

/**
 * Reads the child's messages for as long as it lives.
 *
 * @param unrelated gets what is no answer and no progress. Default: the streams of the one client that the child belongs to
 */
export function openChannel(child: Child, unrelated?: (message: Message) => void): ChildChannel {
  const open = new Map<RequestId, Open>()
  const listeners = new Set<EventQueue>()
  let kept: Message[] = []
  let waiting = 0
  let room: () => void = () => undefined

  function queue(closed: () => void): EventQueue {
    let held = 0
    const taken = () => {
      held -= 1
      release(1)
    }
    const made = createEventQueue(() => {
      release(held)
      held = 0
      closed()
    }, taken)
    return {
      ...made,
      push(message) {
        held += 1
        waiting += 1
        made.push(message)
      },
    }
  }

  function release(messages: number): void {
    waiting -= messages
    if (waiting < MAX_WAITING) room()
  }

  /** Stdio does not tell which request a message is about, but for answers and progress. */
  function streamFor(message: Message): EventQueue | undefined {
    if (message.method === 'notifications/progress') {
      const token = message.params?.['progressToken']
      return [...open.values()].find(({ progressToken }) => progressToken === token)?.queue
    }
    const newest = [...open.values()].at(-1)?.queue
    const standing = [...listeners].at(-1)
    // A question is probably part of a call that runs, and its client surely reads that stream.
    return isRequest(message) ? (newest ?? standing) : (standing ?? newest)
  }

  function route(message: Message): void {
    const isProgress = message.method === 'notifications/progress'
    const stream = isAnswer(message) ? undefined : streamFor(message)
    if (isAnswer(message)) answered(message)
    else if (unrelated && !isProgress) unrelated(message)
    else if (stream) stream.push(message)
    else if (!isProgress) kept = [...kept, message].slice(-MAX_KEPT)
  }

  function answered(message: Message): void {
    // An error that the server could not attribute has no id.
    const [only, ...others] = [...open.values()]
    const unattributed = (message.id ?? null) === null && others.length === 0 ? only : undefined
    const asked = unattributed ?? open.get(message.id ?? '')
    if (!asked) return
    open.delete(asked.id)
    asked.queue.push(message)
    asked.queue.end()
  }

  async function read(): Promise<void> {
    for await (const received of child.messages) {
      const message = asMessage(received)
      if (message) route(message)
      if (waiting >= MAX_WAITING)
        await new Promise<void>((resolve) => {
          room = resolve
        })
    }
    for (const { queue } of [...open.values()]) queue.end()
    open.clear()
  }

  void read()

  return {
    async request(message, signal) {
      const { id } = message
      const meta = message.params?.['_meta']
      const drop = () => stream.drop()
      const stream = queue(() => {
        signal.removeEventListener('abort', drop)
        if (open.get(id)?.queue === stream) open.delete(id)
      })
      open.set(id, { id, progressToken: isJsonObject(meta) ? meta['progressToken'] : undefined, queue: stream })
      signal.addEventListener('abort', drop)
      try {
        await child.send(jsonOf(message))
      } catch (error) {
        open.delete(id)
        signal.removeEventListener('abort', drop)
        throw problemOf(error)
      }
      return stream.events
    },

    async send(message) {
      await child.send(jsonOf(message)).catch((error: unknown) => {
        throw problemOf(error)
      })
    },

    async *listen(signal) {
      const stop = () => stream.drop()
      const touching = setInterval(() => child.touch(), TOUCH_EVERY).unref()
      const stream = queue(() => {
        listeners.delete(stream)
        clearInterval(touching)
        signal.removeEventListener('abort', stop)
      })
      signal.addEventListener('abort', stop)
      listeners.add(stream)
      for (const message of kept.splice(0)) stream.push(message)
      if (signal.aborted) stop()
      yield* stream.events
    },
  }
}

// A message has no member that JSON does not have.
const jsonOf = (message: Message) => ({ ...message })

/** Our own errors about children have fixed words, which the client may read. */
export function problemOf(error: unknown): unknown {
  if (!isCredentialVaultError(error)) return error
  if (error.reason === 'closed') return new UpstreamProblem('session-ended', 'The server has ended.')
  if (error.code === 'outcome_unknown')
    return new UpstreamProblem('failed', 'The server ended while it was sent the request. It may have had an effect.')
  const isOurs = error.reason?.startsWith('child_') || OVERLOADS.includes(error.reason ?? '')
  return isOurs ? new UpstreamProblem('failed', error.message, { cause: error }) : error
}

const OVERLOADS = ['overloaded', 'owner_full', 'too_large']
