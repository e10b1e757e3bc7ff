import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createLooks } from '../../src/redis/pending/looks.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('one timer lets every waiting call look each ten seconds or so, a part of them at a time', async () => {
  const looks = createLooks()
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

test('after a gap every call looks soon, one that throws stops no other, and one that has left does not look', async () => {
  const looks = createLooks()
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
