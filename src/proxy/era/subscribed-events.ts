import { randomUUID } from 'node:crypto'
import { isJsonObject } from '../../core/model/json.ts'
import { isAnswer, type Message, type Request } from '../upstream/message.ts'
import type { CredentialCall, UpstreamAnswer, UpstreamEvent } from '../upstream/upstream.ts'
import { META, metaOf } from './envelope.ts'

/** What a session hears from a server of MCP 2026-07-28: changed lists, and updates of the resources that it has subscribed to. */
export interface SubscribedEvents {
  /** Resolves once the server has taken the subscription, where somebody listens. */
  add(uri: string): Promise<void>
  remove(uri: string): Promise<void>
  /** Returns undefined if the server has no subscriptions. */
  listen(call: CredentialCall): Promise<AsyncIterable<UpstreamEvent> | undefined>
  end(): void
}

type Send = (message: Request, call: CredentialCall) => Promise<UpstreamAnswer>

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged'
const LISTS = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true } as const

export function createSubscribedEvents(send: Send): SubscribedEvents {
  const uris = new Set<string>()
  const listeners = new Set<Listener>()
  const changed = async () => {
    await Promise.all([...listeners].map((listener) => listener.follow([...uris])))
  }
  return {
    async add(uri) {
      uris.add(uri)
      await changed()
    },
    async remove(uri) {
      uris.delete(uri)
      await changed()
    },
    async listen(call) {
      const listener = createListener(send, call)
      listeners.add(listener)
      const end = () => {
        listeners.delete(listener)
        listener.end()
      }
      call.signal.addEventListener('abort', end, { once: true })
      const isTaken = await listener.begin([...uris])
      if (!isTaken) end()
      return isTaken ? listener.events(end) : undefined
    },
    end() {
      for (const listener of listeners) listener.end()
      listeners.clear()
    },
  }
}

interface Listener {
  /** Returns whether the server has subscriptions. */
  begin(uris: readonly string[]): Promise<boolean>
  /** Follows these resources from now on, in place of those before. */
  follow(uris: readonly string[]): Promise<void>
  events(done: () => void): AsyncGenerator<UpstreamEvent>
  end(): void
}

function createListener(send: Send, call: CredentialCall): Listener {
  const ended = new AbortController()
  const arrived: UpstreamEvent[] = []
  let wake: () => void = () => undefined
  let updates: AbortController | undefined
  ended.signal.addEventListener('abort', () => wake())

  /** Resolves once the server has acknowledged the subscription, to whether it did. */
  async function open(notifications: object, signal: AbortSignal): Promise<boolean> {
    const params = { notifications }
    const request: Request = { jsonrpc: '2.0', id: randomUUID(), method: 'subscriptions/listen', params }
    const { events } = await send(request, { ...call, signal: AbortSignal.any([call.signal, signal]) })
    const iterator = events[Symbol.asyncIterator]()
    const first = await iterator.next()
    const isTaken = first.done !== true && first.value.message?.method === ACKNOWLEDGED
    if (isTaken) void pass(iterator).catch(() => undefined)
    return isTaken
  }

  async function pass(iterator: AsyncIterator<UpstreamEvent>): Promise<void> {
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      const { message } = next.value
      if (!message || isAnswer(message)) continue
      arrived.push({ message: withoutSubscription(message) })
      wake()
    }
  }

  async function follow(uris: readonly string[]): Promise<void> {
    const before = updates
    updates = undefined
    if (uris.length > 0 && !ended.signal.aborted) {
      updates = new AbortController()
      await open({ resourceSubscriptions: uris }, AbortSignal.any([updates.signal, ended.signal]))
    }
    before?.abort()
  }

  return {
    follow,
    async begin(uris) {
      if (!(await open(LISTS, ended.signal))) return false
      await follow(uris)
      return true
    },
    async *events(done) {
      try {
        while (!ended.signal.aborted) {
          yield* arrived.splice(0)
          if (arrived.length > 0 || ended.signal.aborted) continue
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
      } finally {
        done()
      }
    },
    end: () => ended.abort(),
  }
}

function withoutSubscription(message: Message): Message {
  const { [META.subscription]: _, ...meta } = metaOf(message)
  const { _meta: __, ...params } = isJsonObject(message.params) ? message.params : {}
  return { ...message, params: Object.keys(meta).length > 0 ? { ...params, _meta: meta } : params }
}
