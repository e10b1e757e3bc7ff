import { expect, test } from 'vitest'
import { killTimes } from './kills.ts'

test('kill -9 at any moment loses, undoes and blocks nothing', async () => {
  const sum = await killTimes(30)
  expect(sum.problems).toEqual([])
  expect(sum.kills).toBe(30)
  expect(sum.inFlight).toBeGreaterThan(0)
  expect(sum.acknowledged).toBeGreaterThan(100)
})
