import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type ChildWorld, call, childWorld, isRunning } from './fixture.ts'
import { ALICE, BOB, type PoolUnderTest, poolOf } from './pool-fixture.ts'

let world: ChildWorld
let under: PoolUnderTest

beforeAll(async () => {
  world = await childWorld()
})

afterAll(() => world.close())

afterEach(async () => {
  await under.pool.close()
  expect(under.pool.size).toBe(0)
  expect(world.remains()).toEqual([])
})

test('calls for one key that come at once share one start', async () => {
  under = poolOf(world)
  const children = await Promise.all(Array.from({ length: 20 }, () => under.child(ALICE)))
  expect(new Set(children).size).toBe(1)
  expect(under.starts()).toBe(1)
  expect(await under.child(ALICE)).toBe(children[0])
})

test('a rotation lets calls in flight finish, and the next call has a child with the new value', async () => {
  under = poolOf(world)
  const old = await under.child(ALICE)
  const late = call(old, 'later', { milliseconds: 300 })
  await expect.poll(() => old.callsInFlight).toBe(1)
  const ended = under.pool.end('rotated', { subject: 'alice', notVersion: '2' })
  const fresh = await under.child({ ...ALICE, version: '2' })
  expect(fresh).not.toBe(old)
  expect(await call(fresh, 'environment')).toMatchObject({ TOKEN: 'token-of-alice-2' })
  expect(await late).toEqual({})
  await ended
  expect(under.ends).toEqual(['rotated'])
  expect(isRunning(old.pid)).toBe(false)
  expect(fresh.isEnding).toBe(false)
})

test.each(['revoked', 'offboarded'] as const)(
  'after the owner was %s, a child that ignores TERM answers no more',
  async (reason) => {
    under = poolOf(world)
    const [alice, bob] = [await under.child(ALICE), await under.child(BOB)]
    await call(alice, 'ignoreTerm')
    const late = call(alice, 'later', { milliseconds: 3_600_000 }).catch((error: Error) => error.message)
    await expect.poll(() => alice.callsInFlight).toBe(1)
    await under.pool.end(reason, { issuer: ALICE.issuer, subject: 'alice' })
    expect(await late).toBe('the child ended during later')
    expect(under.ends).toEqual([reason])
    expect(isRunning(alice.pid)).toBe(false)
    expect(await call(bob, 'ping')).toEqual({})
  },
)
