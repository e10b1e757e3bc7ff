import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { AwaitedEntry, PendingKey } from '../../src/core/ports/pending-store.ts'
import type { EntryLooks, OwnedCall } from '../../src/redis/pending/entry-looks.ts'
import { createLooks } from '../../src/redis/pending/looks.ts'
import { uncaughtDuring } from '../harness/uncaught-errors.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Answers for Redis, by the key of an entry. `away` for all of them. */
function entries(answer: () => readonly string[] | 'away' = () => []) {
  const looked: string[] = []
  const looks: EntryLooks = {
    batches: (calls) => [calls],
    async unsure<C extends OwnedCall>(batch: readonly C[]) {
      looked.push(...batch.map(({ key }) => key))
      const unsure = answer()
      return unsure === 'away' ? undefined : batch.filter(({ key }) => unsure.includes(key))
    },
  }
  return { looked, looks: createLooks({ entries: looks, rootOf: (key) => (key === 'unknown' ? undefined : 'root') }) }
}

const awaited = (key: string): AwaitedEntry => ({ key: key as PendingKey, waiterId: 'call' })

test('one timer lets every waiting call look each ten seconds or so, a part of them at a time', async () => {
  const { looks } = entries()
  const looked = Array.from({ length: 5_000 }, () => 0)
  const stops = looked.map((_, at) =>
    looks.add(() => {
      looked[at] = (looked[at] ?? 0) + 1
    }),
  )
  expect(vi.getTimerCount()).toBe(1)
  let most = 0
  for (let turns = 0, before = 0; turns < 50; turns += 1) {
    await vi.advanceTimersByTimeAsync(250)
    const all = looked.reduce((sum, one) => sum + one, 0)
    most = Math.max(most, all - before)
    before = all
  }
  expect(Math.min(...looked)).toBe(1)
  expect(most).toBeLessThanOrEqual(500)
  for (const stop of stops) stop()
  expect(vi.getTimerCount()).toBe(0)
})

test('after a gap every call looks soon, and one that has left does not look', async () => {
  const { looks } = entries()
  const looked: string[] = []
  const leave = looks.add(() => void looked.push('left'))
  const stays = () => void looked.push('stays')
  const once = looks.add(stays)
  looks.add(stays)
  leave()
  once()
  once()
  looks.all()
  await vi.advanceTimersByTimeAsync(0)
  expect(looked).toEqual(['stays'])
  looks.close()
  expect(vi.getTimerCount()).toBe(0)
})

test('a call whose look throws stops no other call, and not the timer', async () => {
  const { looks } = entries()
  let looked = 0
  const thrown = await uncaughtDuring(async () => {
    looks.add(() => {
      throw new Error('on purpose')
    })
    looks.add(() => {
      looked += 1
    })
    looks.all()
    await vi.advanceTimersByTimeAsync(0)
    expect(looked).toBe(1)
    await vi.advanceTimersByTimeAsync(12_500)
  })
  looks.close()
  expect([looked, thrown.length]).toEqual([2, 2])
})

test('a call whose entry is as it was looks once a minute, one in doubt at once, and one of an unknown owner each time', async () => {
  const { looks, looked } = entries(() => ['doubtful'])
  const own: string[] = []
  for (const key of ['calm', 'doubtful', 'unknown']) looks.add(() => own.push(key), awaited(key))
  await vi.advanceTimersByTimeAsync(12_500)
  expect(looked).toEqual(expect.arrayContaining(['calm', 'doubtful']))
  expect(own.toSorted()).toEqual(['doubtful', 'unknown'])
  await vi.advanceTimersByTimeAsync(60_000)
  expect(own).toContain('calm')
  expect(own.filter((key) => key === 'calm')).toHaveLength(1)
  looks.close()
})

test('while Redis is away nobody looks alone, and entries are looked at again each second or so', async () => {
  const { looks, looked } = entries(() => 'away')
  const own: string[] = []
  looks.add(() => own.push('call'), awaited('call'))
  await vi.advanceTimersByTimeAsync(20_000)
  expect(looked.length).toBeGreaterThan(5)
  expect(own).toEqual([])
  looks.close()
})

test('after a gap every entry is looked at soon, and every call looks within the usual time', async () => {
  const { looks, looked } = entries()
  const own = new Set<number>()
  for (let at = 0; at < 1_000; at += 1) looks.add(() => own.add(at), awaited(String(at)))
  looks.all()
  expect(looked).toHaveLength(1_000)
  await vi.advanceTimersByTimeAsync(10_500)
  expect(own.size).toBe(1_000)
  looks.close()
})
