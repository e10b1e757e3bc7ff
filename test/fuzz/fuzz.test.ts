import { expect, test } from 'vitest'
import { fuzz } from './fuzz.ts'

test('every parser stands arbitrary and mutated input: no other error, no hang, no input in a message', {
  timeout: 1_200_000,
}, async () => {
  const reports = await fuzz(20_000, Math.floor(Math.random() * 2 ** 31))
  expect(reports.flatMap(({ name, problem }) => (problem === undefined ? [] : [`${name}: ${problem}`]))).toEqual([])
  expect(reports.length).toBeGreaterThan(40)
})
