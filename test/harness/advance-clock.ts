const now = performance.now.bind(performance)
let ahead = 0

/**
 * Advances `performance.now()` of this test file instead of waiting, so that cached values expire. The clock keeps running and never goes
 * back, and timers stay real.
 */
export function advanceClock(milliseconds: number): void {
  ahead += milliseconds
  performance.now = () => now() + ahead
}
