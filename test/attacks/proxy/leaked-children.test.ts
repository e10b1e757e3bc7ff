import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type ChildWorld, call, childWorld, isRunning, next } from '../../proxy/children/fixture.ts'
import { ALICE, BOB, type PoolUnderTest, poolOf } from '../../proxy/children/pool-fixture.ts'

// Elsewhere 50 children became 2,018, because nothing ended them and the options for it did nothing.
let world: ChildWorld
let under: PoolUnderTest

beforeAll(async () => {
  world = await childWorld()
})

afterAll(() => world.close())
afterEach(() => under.pool.close())

const sessions = (count: number) => Array.from({ length: count }, (_, at) => ({ ...ALICE, session: `s${at}` }))

test('a child that nobody uses is ended after its idle time', async () => {
  under = poolOf(world, { idle: 200 })
  const child = await under.child(ALICE)
  await expect.poll(() => under.pool.size).toBe(0)
  expect(under.ends).toEqual(['idle'])
  expect(isRunning(child.pid)).toBe(false)
})

/** A child that has a call in flight before its age counts. */
async function busyChild() {
  const child = await under.pool.get(ALICE, {
    options: async () => world.options(),
    initialise: (made) => made.send({ jsonrpc: '2.0', id: 'late', method: 'later', params: { milliseconds: 700 } }),
  })
  return { child, late: async () => expect(await next(child)).toMatchObject({ id: 'late', result: {} }) }
}

test('a child with a call in flight is not idle', async () => {
  under = poolOf(world, { idle: 50 })
  const { late } = await busyChild()
  await late()
  await expect.poll(() => under.ends).toEqual(['idle'])
})

test('a child is replaced at its longest life, and its call in flight finishes', async () => {
  under = poolOf(world, { longestLife: 100 })
  const { child, late } = await busyChild()
  await expect.poll(async () => (await under.child(ALICE).catch(() => child)) !== child).toBe(true)
  await late()
  await expect.poll(() => under.ends[0]).toBe('longest_life')
})

test('one owner cannot have more children than allowed, also not all at once, and others still get theirs', async () => {
  under = poolOf(world, { childrenPerOwner: 3 })
  const results = await Promise.allSettled(sessions(10).map((key) => under.child(key)))
  const refused = results.filter((result) => result.status === 'rejected')
  expect(refused).toHaveLength(7)
  expect(refused[0]?.reason).toMatchObject({ code: 'unavailable', reason: 'owner_full', retryable: true })
  expect(await call(await under.child(BOB), 'ping')).toEqual({})
  expect(under.starts()).toBe(4)
})

test('there are no more children than allowed in all', async () => {
  under = poolOf(world, { children: 2 })
  await under.child(ALICE)
  await under.child(BOB)
  const third = under.child({ ...ALICE, subject: 'carol' })
  await expect(third).rejects.toMatchObject({ code: 'unavailable', reason: 'overloaded', retryable: true })
})

test('an owner who opens and closes sessions in a loop does not get past the limit with children that end', async () => {
  under = poolOf(world, { childrenPerOwner: 2 })
  const most: number[] = []
  for (const key of sessions(12)) {
    const child = await under.child(key, { grace: 5_000 }).catch(() => undefined)
    if (child) await call(child, 'ignoreTerm')
    void under.pool.end('session_closed', { session: key.session })
    most.push(under.pool.size)
  }
  expect(Math.max(...most)).toBe(4)
  await under.pool.end('revoked', { subject: 'alice' })
})

test('a child whose memory grows is ended, and only that one', async () => {
  under = poolOf(world, { bytesPerOwner: 400 * 2 ** 20, measureEvery: 50 })
  const [small, large, bob] = await Promise.all([...sessions(2), BOB].map((key) => under.child(key)))
  await call(large as never, 'grow', { bytes: 400 * 2 ** 20 }).catch(() => undefined)
  await expect.poll(() => under.ends).toEqual(['memory'])
  expect([small?.isEnding, large?.isEnding, bob?.isEnding]).toEqual([false, true, false])
})

test('no child is started while those that run use all the memory that they may', async () => {
  under = poolOf(world, { bytes: 10 * 2 ** 20, measureEvery: 20 })
  await under.child(ALICE)
  await expect.poll(() => under.pool.residentBytes).toBeGreaterThan(10 * 2 ** 20)
  await expect(under.child(BOB)).rejects.toMatchObject({ reason: 'overloaded' })
})

test('a server that keeps crashing is not started again at once, in no session, and is again after the pause', async () => {
  under = poolOf(world, { backoff: 3_600_000, longestBackoff: 3_600_000 })
  const child = await under.child(ALICE)
  await child.send({ jsonrpc: '2.0', id: 1, method: 'exit', params: { code: 1 } })
  await child.ended
  const again = under.child({ ...ALICE, session: 's2' })
  await expect(again).rejects.toMatchObject({ reason: 'child_crashed', retryable: true, retryAfterSeconds: 3600 })
  expect(under.starts()).toBe(1)
  expect(await call(await under.child(BOB), 'ping')).toEqual({})
  await under.pool.close()

  under = poolOf(world, { backoff: 20 })
  await expect(under.child(ALICE, { command: ['/bin/false'] })).rejects.toMatchObject({ reason: 'child_crashed' })
  await expect.poll(async () => (await under.child(ALICE)).isEnding).toBe(false)
})

test('a server that never answers is ended at its start deadline, and leaves nothing', async () => {
  under = poolOf(world)
  const never = under.child(ALICE, { command: ['/bin/sleep', '1000'], startDeadline: 100 })
  await expect(never).rejects.toMatchObject({ reason: 'child_deadline' })
  expect(under.ends).toEqual(['start_deadline'])
  await expect.poll(() => under.pool.size).toBe(0)
  expect(world.remains()).toEqual([])
})
