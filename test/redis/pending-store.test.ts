import { afterAll, beforeAll, expect, test } from 'vitest'
import { commandCounts } from '../../bench/replicas/redis-stats.ts'
import type { PendingKey } from '../../src/core/ports/pending-store.ts'
import { redisConnection } from '../../src/redis/connection/redis-connection.ts'
import { redisPendingStore } from '../../src/redis/redis-pending-store.ts'
import { describePendingStore } from '../../src/testing/pending-store/suite.ts'
import { type RedisNode, startRedisNode } from '../harness/redis/redis-server.ts'

let server: RedisNode
let count = 0

beforeAll(async () => {
  server = await startRedisNode()
})
afterAll(() => server.remove())

describePendingStore({
  test,
  async create(limits) {
    const prefix = `suite-${++count}:`
    const stores = [0, 1].map(() =>
      redisPendingStore({ redis: redisConnection({ url: `redis://127.0.0.1:${server.port}`, prefix }), ...limits }),
    )
    const [here, there] = stores as [(typeof stores)[number], (typeof stores)[number]]
    return { here, there, close: () => Promise.all(stores.map((store) => store.shutdown())).then(() => undefined) }
  },
})

test('a process reads an entry that it has opened with one command', async () => {
  const redis = redisConnection({ url: `redis://127.0.0.1:${server.port}`, prefix: 'commands:' })
  const store = redisPendingStore({ redis })
  const expiresAt = Date.now() + 60_000
  const openAndRead = async (name: string) => {
    const key = name as PendingKey
    await store.openOrReuse({ key, slot: name, owner: name, sealed: name, expiresAt, keepUntil: expiresAt })
    const before = await commandCounts(server.port)
    expect(await store.get(key)).toMatchObject({ sealed: name })
    return (await commandCounts(server.port)).sent - before.sent
  }
  // The first time, the server learns the scripts.
  await openAndRead('first')
  expect(await openAndRead('second')).toBe(1)
  await store.shutdown()
})
