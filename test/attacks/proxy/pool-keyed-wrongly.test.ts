import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { ChildKey } from '../../../src/proxy/children/pool/pool-key.ts'
import { type ChildWorld, call, childWorld } from '../../proxy/children/fixture.ts'
import { ALICE, type PoolUnderTest, poolOf } from '../../proxy/children/pool-fixture.ts'

// Pools elsewhere were keyed by server or session alone, and gave later callers the child of the first.
let world: ChildWorld
let under: PoolUnderTest

beforeAll(async () => {
  world = await childWorld()
})

afterAll(() => world.close())
afterEach(() => under.pool.close())

const parts = Object.keys(ALICE) as (keyof ChildKey)[]

test.each(parts)('another %s gets another child, also at the same time', async (part) => {
  under = poolOf(world)
  const [one, other] = await Promise.all([under.child(ALICE), under.child({ ...ALICE, [part]: 'other' })])
  expect(other.pid).not.toBe(one.pid)
  expect(await under.child(ALICE)).toBe(one)
  expect(await under.child({ ...ALICE, [part]: 'other' })).toBe(other)
})

test("Bob, with the id of Alice's session, gets a child with his own token", async () => {
  under = poolOf(world)
  await under.child(ALICE)
  const bob = await under.child({ ...ALICE, subject: 'bob' })
  expect(await call(bob, 'environment')).toMatchObject({ TOKEN: 'token-of-bob-1' })
})

test('parts cannot be moved over the borders of a key', async () => {
  under = poolOf(world)
  const keys: ChildKey[] = [
    { ...ALICE, subject: 'a', account: 'b' },
    { ...ALICE, subject: 'a","b', account: '' },
    { ...ALICE, subject: 'ab', account: '' },
    { ...ALICE, subject: '', account: 'ab' },
  ]
  const children = await Promise.all(keys.map((key) => under.child(key)))
  expect(new Set(children.map(({ pid }) => pid)).size).toBe(keys.length)
})

test('the end of one session leaves the others of its owner, and sessions of the same name of others', async () => {
  under = poolOf(world)
  const [closed, other, bob] = await Promise.all([
    under.child(ALICE),
    under.child({ ...ALICE, session: 's2' }),
    under.child({ ...ALICE, subject: 'bob' }),
  ])
  await under.pool.end('session_closed', { issuer: ALICE.issuer, subject: 'alice', session: 's1' })
  expect([closed, other, bob].map((child) => child.isEnding)).toEqual([true, false, false])
})
