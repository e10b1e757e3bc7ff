import assert from 'node:assert/strict'
import { afterEach, expect, test, vi } from 'vitest'
import type { PendingEntry, PendingKey } from '../../src/core/ports/pending-store.ts'
import { memoryPendingStore } from '../../src/pending/memory-pending-store.ts'
import { describePendingStore } from '../../src/testing/pending-store/suite.ts'
import { uncaughtDuring } from '../harness/uncaught-errors.ts'

describePendingStore({
  test,
  async create(limits) {
    const store = memoryPendingStore(limits)
    return { here: store, there: store, close: () => store.shutdown() }
  },
})

afterEach(() => {
  vi.useRealTimers()
})

function entry(name: string, expiresAt: number, keepUntil: number): PendingEntry {
  return { key: name as PendingKey, slot: `slot ${name}`, owner: `owner ${name}`, sealed: '', expiresAt, keepUntil }
}

test('entries that nobody asks for are swept, and an empty or shut down store keeps no timer', async () => {
  vi.useFakeTimers()
  const store = memoryPendingStore()
  const at = Date.now()
  expect(vi.getTimerCount()).toBe(0)
  await store.openOrReuse(entry('a', at + 1000, at + 2000))
  await store.openOrReuse(entry('b', at + 1000, at + 45_000))
  expect(vi.getTimerCount()).toBe(1)
  vi.advanceTimersByTime(31_000)
  expect(vi.getTimerCount()).toBe(1)
  vi.advanceTimersByTime(60_000)
  expect(vi.getTimerCount()).toBe(0)
  await store.openOrReuse(entry('c', at + 200_000, at + 200_000))
  await store.shutdown()
  expect(vi.getTimerCount()).toBe(0)
})

test('a claimed request is not forgotten while its save is in flight', async () => {
  vi.useFakeTimers()
  const store = memoryPendingStore({ maxEntries: 1 })
  const at = Date.now()
  const { key } = await store.openOrReuse(entry('a', at + 1000, at + 1000))
  expect(await store.claim(key, 'claim', at + 60_000)).toBe(true)
  vi.advanceTimersByTime(31_000)
  await expect(store.openOrReuse(entry('b', at + 90_000, at + 90_000))).rejects.toMatchObject({ reason: 'store_full' })
  expect(await store.close(key, 'saved')).toBe(true)
  await store.shutdown()
})

test('a listener that throws keeps no other one asleep', async () => {
  const store = memoryPendingStore()
  let woken = false
  const thrown = await uncaughtDuring(async () => {
    await store.listen('topic', () => assert.fail('on purpose'))
    await store.listen('topic', () => {
      woken = true
    })
    await store.wake('topic')
    await new Promise((resolve) => setImmediate(resolve))
  })
  await store.shutdown()
  expect(woken).toBe(true)
  expect(thrown).toHaveLength(1)
})

test.each([
  ['ticks in the middle of a step', 1],
  ['is set back', -60_000],
])('a clock that %s never makes an entry closed in the future', async (_, step) => {
  const store = memoryPendingStore()
  const at = Date.now()
  const { key, owner } = await store.openOrReuse(entry('a', at + 600_000, at + 600_000))
  let now = at
  vi.spyOn(Date, 'now').mockImplementation(() => (now += step))
  const closed = (await store.closeAll?.(owner, 'cancelled')) ?? []
  for (const one of [...closed, await store.get(key)]) expect(one?.closedAgo).toBeGreaterThanOrEqual(0)
  expect(closed).toHaveLength(1)
  vi.restoreAllMocks()
  await store.shutdown()
})

test('the error for a full store names neither the owner nor the request', async () => {
  const store = memoryPendingStore({ maxOpenPerOwner: 1 })
  const at = Date.now()
  await store.openOrReuse(entry('a', at + 1000, at + 1000))
  const error = await store.openOrReuse({ ...entry('b', at + 1000, at + 1000), owner: 'owner a' }).catch(String)
  expect(error).toContain('too many open credential requests')
  expect(error).not.toContain('owner a')
  await store.shutdown()
})

test('wrong options are refused by name', () => {
  expect(() => memoryPendingStore({ maxEntries: 0 })).toThrow(/memoryPendingStore\.maxEntries/)
  const misspelt = { maxEntry: 1 }
  expect(() => memoryPendingStore(misspelt as object)).toThrow('memoryPendingStore.maxEntry: there is no such option')
})
