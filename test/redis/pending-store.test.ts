import { afterAll, beforeAll, test } from 'vitest'
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
