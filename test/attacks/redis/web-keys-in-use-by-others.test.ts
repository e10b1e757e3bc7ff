import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { redisConnection } from '../../../src/redis/connection/redis-connection.ts'
import { redisPendingStore } from '../../../src/redis/redis-pending-store.ts'
import { redisCommands } from '../../harness/redis/redis-commands.ts'
import { type RedisNode, startRedisNode } from '../../harness/redis/redis-server.ts'

let redis: RedisNode
beforeAll(async () => {
  redis = await startRedisNode()
})
afterAll(() => redis.remove())

const KEY = 'mcp-vault:web-keys'
function openStore() {
  const store = redisPendingStore({ redis: redisConnection({ url: `redis://127.0.0.1:${redis.port}` }) })
  onTestFinished(() => store.shutdown())
  return store
}

// Every replica reads them each minute.
test('ids of any size in Redis do not fill the memory of every replica', async () => {
  const store = openStore()
  const huge = 'x'.repeat(2_000_000)
  for (let at = 0; at < 20; at += 1) await redisCommands(redis.port, [['ZADD', KEY, '99999999999999', `${at}${huge}`]])
  const ids = (await store.webKeysInUse?.('0123-abcd')) ?? []
  expect(JSON.stringify(ids).length).toBeLessThan(10_000)
})

test('an id that a stranger keeps in Redis for ever counts no longer than that of a replica', async () => {
  await redisCommands(redis.port, [
    ['DEL', KEY],
    ['ZADD', KEY, '99999999999999', 'f0f0-9ede:01234567'],
  ])
  const store = openStore()
  const ids = ((await store.webKeysInUse?.('0123-abcd')) ?? []).map(({ id }) => id)
  expect(ids).toContain('0123-abcd')
  expect(ids).not.toContain('f0f0-9ede')
})
