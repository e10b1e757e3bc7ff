import type { JsonRpcMessage } from './json-lines.ts'

/** Counts the requests that a child has not answered. */
export interface CallsInFlight {
  readonly count: number
  sent(message: JsonRpcMessage): void
  received(message: JsonRpcMessage): void
  /** No answer comes any more. */
  end(): void
  /** Resolves when there is none, or the time in milliseconds is up. */
  settled(milliseconds: number): Promise<void>
}

export function callsInFlight(): CallsInFlight {
  const open = new Set<string>()
  const waiting = new Set<() => void>()

  function closed(key: string): void {
    open.delete(key)
    if (open.size === 0) for (const look of waiting) look()
  }

  return {
    get count() {
      return open.size
    },

    sent(message) {
      if (typeof message['method'] !== 'string') return
      if ('id' in message) open.add(keyOf(message['id']))
      // A server should not answer a call that was cancelled.
      else if (message['method'] === 'notifications/cancelled') closed(keyOf(requestIdOf(message['params'])))
    },

    received(message) {
      if (!('method' in message)) closed(keyOf(message['id']))
    },

    end() {
      open.clear()
      closed('')
    },

    settled: (milliseconds) =>
      new Promise((resolve) => {
        const done = () => {
          waiting.delete(done)
          clearTimeout(timer)
          resolve()
        }
        const timer = setTimeout(done, milliseconds)
        if (open.size === 0) done()
        else waiting.add(done)
      }),
  }
}

// The ids 1 and "1" are two.
const keyOf = (id: unknown) => JSON.stringify(id) ?? ''

function requestIdOf(parameters: unknown): unknown {
  return typeof parameters === 'object' && parameters !== null ? Reflect.get(parameters, 'requestId') : undefined
}
