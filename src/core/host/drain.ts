/** `call`: a gated tool call. `form`: a form that was sent, such as one that is being saved. */
export type WorkKind = 'call' | 'form'

/** Work that a process finishes before it ends. */
export interface DrainedWork {
  readonly kind?: WorkKind | undefined
  /** Whether the end waits for it now. Default: it does. */
  isDue?(): boolean
}

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
   * Runs work that the end waits for. Work that is not due yet is not waited for, such as a request whose body a slow client has not sent.
   * Each call needs an `entry` of its own.
   */
  during<T>(work: () => Promise<T>, entry?: DrainedWork): Promise<T>
  /** Counts `work` as running until `leave` is called with the same object. */
  enter(work: DrainedWork): void
  leave(work: DrainedWork): void
  /** How much work of this kind is due and runs now. */
  running(kind: WorkKind): number
  /** Resolves to 0 when no work that is due runs any more, or to the number that still runs when `deadline` aborts. */
  settled(deadline: AbortSignal): Promise<number>
}

export function createDrain(): Drain {
  // A set, since ten thousand calls may wait: an AbortSignal needs as many steps to remove one listener.
  const listeners = new Set<() => void>()
  const running = new Set<DrainedWork>()
  const watchers = new Set<() => void>()
  let begun = false
  let over = false
  const left = (only?: WorkKind) =>
    [...running].filter((work) => (only === undefined || work.kind === only) && work.isDue?.() !== false).length

  function leave(work: DrainedWork): void {
    running.delete(work)
    for (const look of watchers) look()
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

    async during(work, entry = {}) {
      running.add(entry)
      try {
        return await work()
      } finally {
        leave(entry)
      }
    },

    enter: (work) => void running.add(work),
    leave,
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
