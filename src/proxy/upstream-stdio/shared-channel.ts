import { isJsonObject } from '../../core/model/json.ts'
import type { Child } from '../children/child.ts'
import {
  CODES,
  errorAnswer,
  isAnswer,
  isRequest,
  type Message,
  notification,
  type Request,
  type RequestId,
  resultAnswer,
} from '../upstream/message.ts'
import type { UpstreamEvent } from '../upstream/upstream.ts'
import { type ChildChannel, openChannel } from './child-channel.ts'
import { createEventQueue, type EventQueue } from './event-queue.ts'
import { createLogLevels } from './log-levels.ts'

/** One child that several sessions of one person use. To each, it seems to be alone: ids, progress and subscriptions are kept apart. */
export interface SharedChannel {
  /** What the proxy itself says to the child. */
  readonly own: ChildChannel
  /** Returns the child as one session sees it. */
  join(sessionId: string): ChildChannel
  /** Ends what a session has at the child. Returns how many sessions are left. */
  leave(sessionId: string): number
}

interface Member {
  readonly listeners: Set<EventQueue>
  readonly subscriptions: Set<string>
  /** Ids at the child of the requests that run, by the session's own ids. */
  readonly running: Map<RequestId, string>
}

const MAX_SUBSCRIPTIONS = 1_000
/** Notifications that wait for one session. More are dropped, since a slow session must not hold up the others. */
const MAX_WAITING = 256

export function openSharedChannel(child: Child): SharedChannel {
  const members = new Map<string, Member>()
  const levels = createLogLevels()
  const own = openChannel(child, unrelated)
  let ids = 0
  let initialized = false
  const nextId = () => {
    ids += 1
    return `shared:${ids}`
  }
  const quietly = (sending: Promise<unknown>) => void sending.catch(() => undefined)

  function unrelated(message: Message): void {
    if (isRequest(message)) {
      quietly(
        own.send(message.method === 'ping' ? resultAnswer(message.id, {}) : errorAnswer(message.id, -32_601, NOBODY)),
      )
      return
    }
    for (const [sessionId, { listeners, subscriptions }] of members) {
      const uri = message.method === 'notifications/resources/updated' ? message.params?.['uri'] : undefined
      const wants = uri === undefined || (typeof uri === 'string' && subscriptions.has(uri))
      if (wants && levels.wants(sessionId, message)) [...listeners].at(-1)?.push(message)
    }
  }

  const isSubscribed = (uri: string) => [...members.values()].some(({ subscriptions }) => subscriptions.has(uri))

  /** Sends a request under an id of its own, and gives what comes for it the session's own id and progress token. */
  async function forward(member: Member, message: Request, signal: AbortSignal): Promise<AsyncIterable<UpstreamEvent>> {
    const id = nextId()
    member.running.set(message.id, id)
    const done = () => {
      if (member.running.get(message.id) === id) member.running.delete(message.id)
    }
    try {
      return renamed(await own.request(withNames(message, id), signal), message, done)
    } catch (error) {
      done()
      throw error
    }
  }

  /** Answers what concerns the child as a whole, unless the child has to be told. */
  function answerInPlace(
    sessionId: string,
    { subscriptions }: Member,
    { id, method, params }: Request,
  ): Message | undefined {
    if (method === 'logging/setLevel')
      return levels.set(sessionId, params?.['level']) ? undefined : resultAnswer(id, {})
    const uri = params?.['uri']
    if (typeof uri !== 'string') return undefined
    if (method === 'resources/subscribe') {
      if (subscriptions.size >= MAX_SUBSCRIPTIONS)
        return errorAnswer(id, CODES.server, 'This session has too many subscriptions.')
      subscriptions.add(uri)
    }
    if (method === 'resources/unsubscribe' && subscriptions.delete(uri) && isSubscribed(uri))
      return resultAnswer(id, {})
    return undefined
  }

  function channelOf(sessionId: string, member: Member): ChildChannel {
    return {
      async request(message, signal) {
        const answer = answerInPlace(sessionId, member, message)
        return answer ? one(answer) : forward(member, message, signal)
      },

      async send(message) {
        const cancelled = message.method === 'notifications/cancelled' ? message.params?.['requestId'] : undefined
        const requestId = member.running.get(cancelled as RequestId)
        if (requestId !== undefined) await own.send(notification('cancelled', { ...message.params, requestId }))
        // The child is told once. Answers and all else would be about what another session was asked.
        if (message.method !== 'notifications/initialized' || initialized) return
        initialized = true
        await own.send(message)
      },

      listen: (signal) => listening(child, member, signal),
    }
  }

  return {
    own,

    join(sessionId) {
      const member = members.get(sessionId) ?? { listeners: new Set(), subscriptions: new Set(), running: new Map() }
      members.set(sessionId, member)
      return channelOf(sessionId, member)
    },

    leave(sessionId) {
      const member = members.get(sessionId)
      members.delete(sessionId)
      levels.forget(sessionId)
      for (const queue of member?.listeners ?? []) queue.drop()
      for (const requestId of member?.running.values() ?? [])
        quietly(own.send(notification('cancelled', { requestId })))
      for (const uri of member?.subscriptions ?? []) {
        if (isSubscribed(uri)) continue
        const request = { jsonrpc: '2.0', id: nextId(), method: 'resources/unsubscribe', params: { uri } } as const
        quietly(own.send(request))
      }
      return members.size
    },
  }
}

const NOBODY = 'This server is shared by the sessions of one user, so it can ask none of them.'
const TOUCH_EVERY = 10_000

async function* listening(child: Child, { listeners }: Member, signal: AbortSignal): AsyncGenerator<UpstreamEvent> {
  let waiting = 0
  const queue = createEventQueue(
    () => listeners.delete(bounded),
    () => {
      waiting -= 1
    },
  )
  const bounded: EventQueue = {
    ...queue,
    push(message) {
      if (waiting >= MAX_WAITING) return
      waiting += 1
      queue.push(message)
    },
  }
  const stop = () => queue.drop()
  const touching = setInterval(() => child.touch(), TOUCH_EVERY).unref()
  listeners.add(bounded)
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  try {
    yield* queue.events
  } finally {
    clearInterval(touching)
    signal.removeEventListener('abort', stop)
  }
}

function withNames(message: Request, id: string): Request {
  const meta = message.params?.['_meta']
  if (!isJsonObject(meta) || meta['progressToken'] === undefined) return { ...message, id }
  return { ...message, id, params: { ...message.params, _meta: { ...meta, progressToken: id } } }
}

async function* renamed(
  events: AsyncIterable<UpstreamEvent>,
  { id, params }: Request,
  done: () => void,
): AsyncGenerator<UpstreamEvent> {
  const meta = params?.['_meta']
  const progressToken = isJsonObject(meta) ? meta['progressToken'] : undefined
  try {
    for await (const event of events) {
      const { message } = event
      if (message && isAnswer(message)) yield { message: { ...message, id } }
      else if (message) yield { message: { ...message, params: { ...message.params, progressToken } } }
    }
  } finally {
    done()
  }
}

async function* one(message: Message): AsyncGenerator<UpstreamEvent> {
  yield { message }
}
