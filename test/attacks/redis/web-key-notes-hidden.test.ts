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

test('notes of the right length that no replica can have written do not hide those of replicas', async () => {
  const store = redisPendingStore({ redis: redisConnection({ url: `redis://127.0.0.1:${redis.port}` }) })
  onTestFinished(() => store.shutdown())
  const score = String(Date.now() + 60_000)
  const other = '4567-cdef:89abcdef'
  const forged = Array.from({ length: 200 }, (_, at) => [
    ...[score, `${at}`.padStart(18, 'x')],
    ...[score, `ABCD-EF01:${`${at}`.padStart(8, '0')}`],
  ]).flat()
  await redisCommands(redis.port, [['ZADD', 'mcp-vault:web-keys', ...forged, String(Date.now() + 120_000), other]])
  const ids = ((await store.webKeysInUse?.('0123-abcd')) ?? []).map(({ id }) => id)
  expect(ids).toEqual(['4567-cdef', '0123-abcd'])
})
