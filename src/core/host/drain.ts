/** `call`: a gated tool call. `form`: a form that was sent, such as one that is being saved. */
export type WorkKind = 'call' | 'form'

/**
 * Tracks the work that a process finishes before it ends, and announces that it is about to end. The stores stay open for work that is
 * counted here.
 */
export interface Drain {
  /** Whether the end has begun. */
  readonly begun: boolean
  /** Whether the work has ended, or its time was up: nothing may be begun any more. */
  readonly over: boolean
  /** Calls every listener, once. */
  begin(): void
  /** Sets `over`: called once the stores are about to close. */
  finish(): void
  /** Calls `stop` when the end begins, or now if it has. Returns the function that stops listening. */
  onBegin(stop: () => void): () => void
  /**
   * Runs work that the end waits for. Work that is not `due` yet is not waited for, such as a request whose body a slow client has not sent.
   */
  during<T>(work: () => Promise<T>, due?: () => boolean, kind?: WorkKind): Promise<T>
  /** Counts work of this kind that is due, until the returned function is called. */
  track(kind?: WorkKind): () => void
  /** How much work of this kind is due and runs now. */
  running(kind: WorkKind): number
  /** Resolves to 0 when no work that is due runs any more, or to the number that still runs when `deadline` aborts. */
  settled(deadline: AbortSignal): Promise<number>
}

export function createDrain(): Drain {
  // A set, since ten thousand calls may wait: an AbortSignal needs as many steps to remove one listener.
  const listeners = new Set<() => void>()
  const running = new Set<{ readonly kind: WorkKind | undefined; readonly due: () => boolean }>()
  const watchers = new Set<() => void>()
  let begun = false
  let over = false
  const left = (only?: WorkKind) =>
    [...running].filter(({ due, kind }) => (only === undefined || kind === only) && due()).length

  function track(kind?: WorkKind, due = always): () => void {
    // The same function may stand for several pieces of work.
    const work = { kind, due }
    running.add(work)
    return () => {
      running.delete(work)
      for (const look of watchers) look()
    }
  }

  return {
    get begun() {
      return begun
    },

    get over() {
      return over
    },

    finish() {
      over = true
    },

    begin() {
      begun = true
      const told = [...listeners]
      listeners.clear()
      for (const stop of told) stop()
    },

    onBegin(stop) {
      if (begun) stop()
      else listeners.add(stop)
      return () => void listeners.delete(stop)
    },

    async during(work, due, kind) {
      const ended = track(kind, due)
      try {
        return await work()
      } finally {
        ended()
      }
    },

    track: (kind) => track(kind),
    running: left,

    async settled(deadline) {
      await new Promise<void>((resolve) => {
        const look = () => {
          if (left() > 0 && !deadline.aborted) return
          watchers.delete(look)
          deadline.removeEventListener('abort', look)
          resolve()
        }
        watchers.add(look)
        deadline.addEventListener('abort', look)
        look()
      })
      return left()
    },
  }
}

const always = () => true
