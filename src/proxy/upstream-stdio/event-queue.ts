import type { Message } from '../upstream/message.ts'
import type { UpstreamEvent } from '../upstream/upstream.ts'

/** Messages of a child on their way to one stream of its client. */
export interface EventQueue {
  push(message: Message): void
  /** Nothing is added any more: the reader ends after what waits. */
  end(): void
  /** The reader ends at once. */
  drop(): void
  /** For one reader. `taken` is called for each message that it takes. */
  readonly events: AsyncGenerator<UpstreamEvent>
}

/** @param closed called once, when nothing is read any more */
export function createEventQueue(closed: () => void, taken: () => void): EventQueue {
  const waiting: Message[] = []
  let ended = false
  let isClosed = false
  let wake: () => void = () => undefined

  function end(): void {
    ended = true
    wake()
  }

  function close(): void {
    if (isClosed) return
    isClosed = true
    waiting.length = 0
    closed()
  }

  async function* read(): AsyncGenerator<UpstreamEvent> {
    try {
      for (;;) {
        const message = waiting.shift()
        if (message) {
          taken()
          yield { message }
        } else if (ended) return
        else
          await new Promise<void>((resolve) => {
            wake = resolve
          })
      }
    } finally {
      close()
    }
  }

  return {
    events: read(),
    end,
    push(message) {
      if (ended) return
      waiting.push(message)
      wake()
    },
    drop() {
      end()
      // The reader may never have begun to read.
      close()
    },
  }
}
