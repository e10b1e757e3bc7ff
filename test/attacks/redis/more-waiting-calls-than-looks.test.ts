import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { PendingKey } from '../../../src/core/ports/pending-store.ts'
import type { EntryLooks } from '../../../src/redis/pending/entry-looks.ts'
import { createLooks } from '../../../src/redis/pending/looks.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }))
afterEach(() => void vi.useRealTimers())

// A look renews the lease of a waiting call, which lapses after 30 s, and finds a lost wake.
test.each(['for itself', 'together with others'])(
  'every one of forty thousand waiting calls looks %s within its lease, and not the oldest ones alone',
  async (how) => {
    const looked = new Map<string, number>()
    const look = (name: string) => void looked.set(name, (looked.get(name) ?? 0) + 1)
    const entries: EntryLooks = {
      batches: (calls) => [calls],
      async unsure(batch) {
        for (const { key } of batch) look(key)
        return []
      },
    }
    const looks = createLooks({ entries, rootOf: () => 'root' })
    const calls = Array.from({ length: 40_000 }, (_, at) => `call-${at}` as PendingKey)
    for (const key of calls) {
      if (how === 'for itself') looks.add(() => look(key))
      else looks.add(() => undefined, { key })
    }
    for (let turn = 0; turn < 4 * 30; turn += 1) await vi.advanceTimersByTimeAsync(250)
    looks.close()
    expect(looked.size).toBe(calls.length)
  },
)
