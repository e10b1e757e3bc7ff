/**
 * The progress of one call. MCP 2025-11-25 requires it to increase with each notification, although the waiting gate sends notifications of
 * its own and may run the handler twice.
 */
export interface CallProgress {
  /** Returns the progress of the waiting gate's next notification. */
  beat(): number
  /** Returns the handler's progress, raised by what the gate and an earlier run have sent. */
  raise(progress: number): number
  /** Call it before the handler runs again from the top. */
  runAgain(): void
}

export function createCallProgress(): CallProgress {
  return new Progress()
}

class Progress implements CallProgress {
  #highest = 0
  #own = 0
  #raisedBy = 0

  beat(): number {
    this.#highest += 1
    this.#raisedBy = this.#highest - this.#own
    return this.#highest
  }

  raise(progress: number): number {
    this.#own = Math.max(this.#own, progress)
    this.#highest = Math.max(this.#highest, progress + this.#raisedBy)
    return progress + this.#raisedBy
  }

  runAgain(): void {
    this.#own = 0
    this.#raisedBy = this.#highest
  }
}

// Frozen: a tool can reach it through its own call, and a change would affect every call.
Object.freeze(Progress.prototype)
