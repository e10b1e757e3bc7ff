import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type ChildWorld, call, childWorld, isRunning } from '../../proxy/children/fixture.ts'
import { ALICE, type PoolUnderTest, poolOf } from '../../proxy/children/pool-fixture.ts'

// Elsewhere a new token was never applied, because the old child lived on.
let world: ChildWorld
let under: PoolUnderTest

beforeAll(async () => {
  world = await childWorld()
})

afterAll(() => world.close())
afterEach(() => under.pool.close())

test('the next call after a rotation uses the new value, although a call with the old one never ends', async () => {
  under = poolOf(world, { drain: 50 })
  const old = await under.child(ALICE)
  await old.send({ jsonrpc: '2.0', id: 'never', method: 'silence' })
  const ended = under.pool.end('rotated', { subject: 'alice', notVersion: '2' })
  const fresh = await under.child({ ...ALICE, version: '2' })
  expect(await call(fresh, 'environment')).toMatchObject({ TOKEN: 'token-of-alice-2' })
  await ended
  expect(isRunning(old.pid)).toBe(false)
})

test('a rotation while a child starts does not hand out that child', async () => {
  under = poolOf(world)
  const starting = under.child(ALICE).catch((error: unknown) => error)
  await under.pool.end('rotated', { subject: 'alice', notVersion: '2' })
  expect(await starting).toMatchObject({ code: 'unavailable', reason: 'closed', retryable: true })
  expect(under.pool.size).toBe(0)
})

test('a revocation while a credential is read for a start starts nothing', async () => {
  under = poolOf(world)
  let release: () => void = () => undefined
  const read = new Promise<void>((resolve) => {
    release = resolve
  })
  const get = under.pool.get(ALICE, {
    async options() {
      await read
      return world.options()
    },
    initialise: async () => undefined,
  })
  const revoked = under.pool.end('revoked', { subject: 'alice' })
  release()
  await expect(get).rejects.toMatchObject({ reason: 'closed' })
  await revoked
  expect(under.ends).toEqual([])
})

test('a rotation fails no call of an owner who has as many children as allowed', async () => {
  under = poolOf(world, { childrenPerOwner: 1, children: 1 })
  const old = await under.child(ALICE)
  await old.send({ jsonrpc: '2.0', id: 'never', method: 'silence' })
  const ended = under.pool.end('rotated', { subject: 'alice', notVersion: '2' })
  const fresh = await under.child({ ...ALICE, version: '2' })
  expect(old.callsInFlight).toBe(1)
  await under.pool.end('revoked', { version: '1' })
  await ended
  expect(fresh.isEnding).toBe(false)
})
