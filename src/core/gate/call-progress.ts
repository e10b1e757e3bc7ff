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
  let highest = 0
  let own = 0
  let raisedBy = 0
  return {
    beat() {
      highest += 1
      raisedBy = highest - own
      return highest
    },
    raise(progress) {
      own = Math.max(own, progress)
      highest = Math.max(highest, progress + raisedBy)
      return progress + raisedBy
    },
    runAgain() {
      own = 0
      raisedBy = highest
    },
  }
}
