import { expect, test } from 'vitest'
import { BoundedMap } from '../../../src/core/host/bounded-map.ts'

test('the entries that were set longest ago are dropped', () => {
  const map = new BoundedMap<string, number>(2)
  map.set('a', 1).set('b', 2)
  map.set('a', 3)
  map.set('c', 4)
  expect([...map]).toEqual([
    ['a', 3],
    ['c', 4],
  ])
})

test('setting a key again drops nothing', () => {
  const map = new BoundedMap<string, number>(1)
  expect([...map.set('a', 1).set('a', 2)]).toEqual([['a', 2]])
})
