import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { PendingKey } from '../../../src/core/ports/pending-store.ts'
import { createEntryLooks } from '../../../src/redis/pending/entry-looks.ts'
import { createLooks } from '../../../src/redis/pending/looks.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** What LOOK answers for a Redis that came back empty, or below owners whose marks somebody has set. */
const lost = {
  isCluster: false,
  run: async (_: unknown, { keys }: { keys: readonly string[] }) => [
    'looked',
    ...keys.map((_key, at) => String(at + 1)),
  ],
}

// Each of these looks asks Redis and the backend. Without a batch at most 500 do so in a turn.
test('calls that Redis no longer knows do not all ask the backend in one turn', async () => {
  const looks = createLooks({ entries: createEntryLooks(lost as never), rootOf: () => 'root' })
  let looked = 0
  for (let at = 0; at < 10_000; at += 1) {
    const look = () => {
      looked += 1
    }
    looks.add(look, { key: `key-${at}` as PendingKey, waiterId: 'call' })
  }
  const turns: number[] = []
  looks.all()
  for (let turn = 0; turn < 24; turn += 1) {
    await vi.advanceTimersByTimeAsync(turn === 0 ? 0 : 250)
    turns.push(looked - turns.reduce((sum, one) => sum + one, 0))
  }
  looks.close()
  expect(looked).toBe(10_000)
  expect(Math.max(...turns)).toBeLessThanOrEqual(500)
})
