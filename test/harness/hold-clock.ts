import { expect, onTestFinished, vi } from 'vitest'
import { LEG_HOLD_SECONDS } from '../../src/core/gate/gate-decision.ts'

export interface HoldClock {
  /** Waits until a leg is being held, and lets its 45 seconds pass. */
  pass(): Promise<void>
  /** How many legs began to hold. */
  begun(): number
}

/** Takes the end of each held leg of this test into the test's hand, instead of waiting for it. Other timers stay real. */
export function holdClock(): HoldClock {
  const real = globalThis.setTimeout
  const ends: (() => void)[] = []
  let passed = 0
  const spy = vi.spyOn(globalThis, 'setTimeout')
  spy.mockImplementation(((run: (...given: []) => void, milliseconds?: number, ...given: []) => {
    if (milliseconds === LEG_HOLD_SECONDS * 1000) ends.push(() => run(...given))
    return real(run, milliseconds, ...given)
  }) as typeof setTimeout)
  onTestFinished(() => spy.mockRestore())
  return {
    async pass() {
      await expect.poll(() => ends.length).toBeGreaterThan(passed)
      ends[passed]?.()
      passed += 1
    },
    begun: () => ends.length,
  }
}
