import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSealer } from '../../../src/core/crypto/seal.ts'
import { sodiumReady } from '../../../src/core/crypto/sodium.ts'
import { createPendingRequests } from '../../../src/core/requests/pending-requests.ts'
import { redisConnection } from '../../../src/redis/connection/redis-connection.ts'
import { redisPendingStore } from '../../../src/redis/redis-pending-store.ts'
import { redisCommands } from '../../harness/redis/redis-commands.ts'
import { type RedisNode, startRedisNode } from '../../harness/redis/redis-server.ts'

let redis: RedisNode
beforeAll(async () => {
  await sodiumReady()
  redis = await startRedisNode()
})
afterAll(() => redis.remove())
const connect = () => redisConnection({ url: `redis://127.0.0.1:${redis.port}`, warn: () => undefined })

// Whoever may publish on the same Redis sees topics in MONITOR, or repeats those of another's save.
test('a wake without end makes a waiting call ask the backend no more than some times a second', async () => {
  const store = redisPendingStore({ redis: connect() })
  const user = { issuer: 'https://login.example.com', subject: 'alice' }
  let looks = 0
  const topics: string[] = []
  const requests = createPendingRequests({
    store: {
      ...store,
      listen(topic, onWake) {
        topics.push(topic)
        return store.listen(topic, onWake)
      },
    },
    sealer: createSealer(Buffer.alloc(32, 9)),
  })
  const request = await requests.openOrReuse({ provider: 'jira', user, cause: 'absent' }, { waits: true })
  const abort = new AbortController()
  const end = requests
    .wait(
      request,
      async () => {
        looks += 1
        return false
      },
      abort.signal,
    )
    .catch(() => undefined)
  await expect.poll(() => looks).toBe(1)
  const began = performance.now()
  while (performance.now() - began < 1_000)
    await redisCommands(
      redis.port,
      Array.from({ length: 200 }, () => ['PUBLISH', 'mcp-vault:wake', topics[0] ?? '']),
    )
  abort.abort()
  await end
  await store.shutdown()
  expect(looks).toBeLessThan(50)
})
