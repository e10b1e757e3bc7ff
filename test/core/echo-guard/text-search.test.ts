import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createTextSearch } from '../../../src/core/echo-guard/text-search.ts'

const letters = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom('a', 'b', 'é', '\u{1f600}'), minLength, maxLength })

test('it finds what includes() finds, and nothing else', () => {
  fc.assert(
    fc.property(fc.array(letters(1, 8), { maxLength: 6 }), letters(0, 60), (needles, text) => {
      expect(createTextSearch(needles)(text)).toBe(needles.some((needle) => text.includes(needle)))
    }),
    { numRuns: 5000 },
  )
})

test('no needles, or empty ones, are never found', () => {
  expect(createTextSearch([])('abc')).toBe(false)
  expect(createTextSearch([''])('abc')).toBe(false)
})

test('needles longer than the skipping window are compared whole', () => {
  const needle = 'ab'.repeat(1000)
  expect(createTextSearch([needle])(`x${needle}y`)).toBe(true)
  expect(createTextSearch([`${needle}z`])(`x${needle}y`)).toBe(false)
})
