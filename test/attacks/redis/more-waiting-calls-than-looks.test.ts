import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createLooks } from '../../../src/redis/pending/looks.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }))
afterEach(() => void vi.useRealTimers())

// A look renews the lease of a waiting call, which lapses after 30 s, and finds a lost wake.
test('every one of forty thousand waiting calls looks within its lease, and not the oldest ones alone', async () => {
  const looks = createLooks()
  const looked = new Array<number>(40_000).fill(0)
  for (const at of looked.keys()) {
    looks.add(() => {
      looked[at] = (looked[at] ?? 0) + 1
    })
  }
  for (let turn = 0; turn < 4 * 60; turn += 1) await vi.advanceTimersByTimeAsync(250)
  looks.close()
  expect(looked.filter((times) => times === 0)).toHaveLength(0)
})
