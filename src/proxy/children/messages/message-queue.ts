import type { JsonLine, JsonRpcMessage } from './json-lines.ts'

/** Messages of a child that nobody has read yet. When too many wait, the child's output is not read on, so the child has to wait. */
export interface MessageQueue {
  add(lines: readonly JsonLine[]): void
  /** Nothing is handed out any more: what waits is dropped, and the reader ends. */
  close(): void
  /** Nothing is added any more: the reader ends after what waits. */
  finish(): void
  /** For one reader. */
  readonly messages: AsyncIterableIterator<JsonRpcMessage>
}

export interface QueueSource {
  pause(): void
  resume(): void
}

/** Memory that an object takes besides its text. Bytes. */
const MESSAGE_COST = 256

/** @param maxBytes of messages that wait; the source is paused above it, and goes on below half of it */
export function createMessageQueue(maxBytes: number, source: QueueSource): MessageQueue {
  let waiting: JsonLine[] = []
  let taken = 0
  let bytes = 0
  let paused = false
  let closed = false
  let reader: ((result: IteratorResult<JsonRpcMessage>) => void) | undefined

  function take(): JsonRpcMessage | undefined {
    const line = waiting[taken]
    if (!line) return undefined
    taken += 1
    // Now and then, since moving the rest up for each message would take longer the more wait.
    if (taken * 2 > waiting.length) {
      waiting = waiting.slice(taken)
      taken = 0
    }
    bytes -= line.bytes + MESSAGE_COST
    if (paused && bytes <= maxBytes / 2) {
      paused = false
      source.resume()
    }
    return line.message
  }

  function finish(): void {
    closed = true
    // Reads on, so that the end of the output is noticed.
    source.resume()
    reader?.({ value: undefined, done: true })
    reader = undefined
  }

  const messages: AsyncIterableIterator<JsonRpcMessage> = {
    [Symbol.asyncIterator]: () => messages,
    next() {
      const message = take()
      if (message) return Promise.resolve({ value: message, done: false })
      if (closed) return Promise.resolve({ value: undefined, done: true })
      if (reader) return Promise.reject(new TypeError('the messages of a child have one reader'))
      return new Promise((resolve) => {
        reader = resolve
      })
    },
  }

  return {
    messages,

    add(lines) {
      if (closed) return
      for (const line of lines) {
        if (reader) {
          const resolve = reader
          reader = undefined
          resolve({ value: line.message, done: false })
        } else {
          waiting.push(line)
          bytes += line.bytes + MESSAGE_COST
        }
      }
      // Whoever else pauses the source may have resumed it.
      if (bytes > maxBytes) {
        paused = true
        source.pause()
      }
    },

    close() {
      waiting = []
      taken = 0
      bytes = 0
      finish()
    },

    finish,
  }
}
