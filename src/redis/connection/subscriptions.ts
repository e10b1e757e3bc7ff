import type { Link } from './link.ts'
import { closedError } from './redis-problem.ts'
import type { Servers } from './servers.ts'

/** `wake`: topics of waiting calls. `changes`: what every replica must know at once. */
export type RedisChannel = 'wake' | 'changes'

const CHANNELS = ['wake', 'changes'] as const satisfies readonly RedisChannel[]

export function channelName(prefix: string, channel: RedisChannel): string {
  return `${prefix}${channel}`
}

interface Listener {
  readonly onMessage: (message: string) => void
  readonly onGap: () => void
}

/** Hears both channels over one connection of its own. Publish/subscribe delivers at most once, so every new connection is a gap. */
export function createSubscriptions(servers: Servers, prefix: string, timeoutMilliseconds: number) {
  const listeners: Readonly<Record<RedisChannel, Set<Listener>>> = { wake: new Set(), changes: new Set() }
  let link: Link | undefined
  let isClosed = false
  let hasBeenUp = false

  function each(channel: RedisChannel, call: (listener: Listener) => void): void {
    // A microtask for each, so that one that throws does not stop the others.
    for (const listener of listeners[channel]) {
      queueMicrotask(() => {
        if (listeners[channel].has(listener)) call(listener)
      })
    }
  }

  const created = () =>
    servers.subscriber(
      async (client) => {
        for (const channel of CHANNELS) {
          await client.subscribe(channelName(prefix, channel), (message) =>
            each(channel, ({ onMessage }) => onMessage(message)),
          )
        }
        if (hasBeenUp) for (const channel of CHANNELS) each(channel, ({ onGap }) => onGap())
        hasBeenUp = true
      },
      () => undefined,
    )

  return {
    async listen(channel: RedisChannel, onMessage: (message: string) => void, onGap: () => void): Promise<() => void> {
      if (isClosed) throw closedError()
      const listener = { onMessage, onGap }
      listeners[channel].add(listener)
      try {
        link ??= created()
        await link.ready(timeoutMilliseconds)
      } catch (error) {
        listeners[channel].delete(listener)
        throw error
      }
      return () => void listeners[channel].delete(listener)
    },

    close(): void {
      isClosed = true
      for (const channel of CHANNELS) listeners[channel].clear()
      link?.close()
    },
  }
}
