/**
 * Progress of one call. Each notification has to be higher than the one before (MCP 2025-11-25, progress), and a gate that waits, or runs
 * the handler again, sends some beside the handler's own.
 */
export interface CallProgress {
  /** The next progress of a gate that waits. */
  beat(): number
  /** The handler's own progress, raised above what was sent beside it. */
  raise(progress: number): number
  /** The handler begins from the top. */
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
