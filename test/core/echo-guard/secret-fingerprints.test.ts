import { inspect } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSecretFingerprints, SHORTEST_FINGERPRINTED } from '../../../src/core/echo-guard/secret-fingerprints.ts'

const SECRET = 'glpat-3f9d2c71e8b04a56-3f9d'
const LONG = 60_000
const alice = { owner: 'alice', provider: 'jira', field: 'alice pat' }
const bob = { owner: 'bob', provider: 'jira', field: 'bob pat' }

test("any secret of at least 20 characters is found in any text of another owner's call, and in none of its own", () => {
  const secrets = fc.string({ unit: 'binary', minLength: SHORTEST_FINGERPRINTED, maxLength: 200 })
  const around = fc.string({ unit: 'binary', maxLength: 100 })
  fc.assert(
    fc.property(secrets, around, around, (secret, before, after) => {
      const prints = createSecretFingerprints()
      prints.add(alice, secret)
      expect(prints.foreign(before + secret + after, 'bob', LONG)).toMatchObject([{ owner: 'alice', provider: 'jira' }])
      expect(prints.foreign(before + secret + after, 'alice', LONG)).toEqual([])
    }),
  )
})

test('nothing else is found: no part of a secret, no other ending, no short one', () => {
  const prints = createSecretFingerprints()
  prints.add(alice, SECRET)
  prints.add({ ...alice, field: 'alice pin' }, 'short-one')
  for (const text of [SECRET.slice(0, -1), `${SECRET.slice(0, -1)}x`, SECRET.slice(1), 'short-one'.repeat(9), ''])
    expect(prints.foreign(text, 'bob', LONG)).toEqual([])
})

test('a secret of two owners, a value that was replaced, and one released long ago are not found', () => {
  let time = 0
  const prints = createSecretFingerprints(() => time)
  prints.add(alice, SECRET)
  prints.add(bob, SECRET)
  expect(prints.foreign(SECRET, 'carol', LONG)).toEqual([])
  prints.add(bob, `${SECRET}-of-bob`)
  expect(prints.foreign(SECRET, 'carol', LONG)).toHaveLength(1)
  prints.add(alice, `${SECRET}-new`)
  expect(prints.foreign(SECRET, 'carol', LONG)).toEqual([])
  time += 600_000
  expect(prints.foreign(`${SECRET}-new`, 'carol', LONG)).toEqual([])
})

test('five thousand are remembered, the oldest makes room, and each is still found', () => {
  const prints = createSecretFingerprints()
  const secretOf = (i: number) => `token-number-${String(i).padStart(10, '0')}`
  for (let i = 0; i <= 5_000; i += 1)
    prints.add({ owner: `user ${i}`, provider: 'jira', field: `field ${i}` }, secretOf(i))
  expect(prints.foreign(secretOf(0), 'bob', LONG)).toEqual([])
  const text = Array.from({ length: 5_000 }, (_, i) => secretOf(i + 1)).join(' ')
  expect(prints.foreign(text, 'bob', LONG)).toHaveLength(5_000)
})

test('the search ends when its time is over', () => {
  let time = 0
  const prints = createSecretFingerprints(() => (time += 3))
  prints.add(alice, SECRET)
  const far = 'x'.repeat(60_000)
  expect(prints.foreign(`${far}${SECRET}`, 'bob', 5)).toEqual([])
  expect(prints.foreign(`${SECRET}${far}`, 'bob', 5)).toHaveLength(1)
})

test('no secret is kept', () => {
  const prints = createSecretFingerprints()
  prints.add(alice, SECRET)
  expect(inspect(prints, { depth: 9, showHidden: true })).not.toContain(SECRET)
})
