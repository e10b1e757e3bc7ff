/** A waiting call looks at its request this often, in milliseconds, give or take a fifth, because a wake may be lost. */
const LOOK_EVERY = 10_000
/** Milliseconds between two turns. Not all calls look in one turn, because a full server would hear no wakes meanwhile. */
const TURN_EVERY = 250
const USUAL_A_TURN = 500
/** Turns in which all calls look, however many wait: no look may be later than the lease that it renews. */
const TURNS_FOR_ALL = (0.8 * LOOK_EVERY) / TURN_EVERY

/** Lets the waiting calls of this process look at their requests from time to time. One timer serves all of them. */
export interface Looks {
  /** Lets the call look from now on. A call may be added several times. Returns the function that removes it once. */
  add(look: () => void): () => void
  /** Lets all calls look as soon as possible. */
  all(): void
  close(): void
}

interface Due {
  /** By `performance.now()`. */
  at: number
  times: number
}

export function createLooks(): Looks {
  const calls = new Map<() => void, Due>()
  let timer: NodeJS.Timeout | undefined

  const later = () => performance.now() + LOOK_EVERY * (0.8 + 0.4 * Math.random())

  function turn(): void {
    const now = performance.now()
    let left = Math.max(USUAL_A_TURN, Math.ceil(calls.size / TURNS_FOR_ALL))
    for (const [look, due] of calls) {
      if (due.at > now) continue
      if (left === 0) break
      left -= 1
      due.at = later()
      // To the end, so that those who have not looked come first.
      calls.delete(look)
      calls.set(look, due)
      // One that throws does not stop the others.
      queueMicrotask(look)
    }
  }

  function remove(look: () => void, due: Due): void {
    due.times -= 1
    if (due.times > 0 || calls.get(look) !== due) return
    calls.delete(look)
    if (calls.size === 0) stop()
  }

  function stop(): void {
    clearInterval(timer)
    timer = undefined
  }

  return {
    add(look) {
      const due = calls.get(look) ?? { at: later(), times: 0 }
      due.times += 1
      calls.set(look, due)
      timer ??= setInterval(turn, TURN_EVERY).unref()
      let isAdded = true
      return () => {
        if (isAdded) remove(look, due)
        isAdded = false
      }
    },

    all() {
      for (const due of calls.values()) due.at = 0
      turn()
    },

    close() {
      stop()
      calls.clear()
    },
  }
}
