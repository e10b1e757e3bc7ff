const now = performance.now.bind(performance)
let ahead = 0

/**
 * Puts `performance.now()` of this test file ahead, in place of waiting. It goes on running and never goes back, and timers are real: what
 * is remembered for a time is over, and nothing else has changed.
 */
export function advanceClock(milliseconds: number): void {
  ahead += milliseconds
  performance.now = () => now() + ahead
}
