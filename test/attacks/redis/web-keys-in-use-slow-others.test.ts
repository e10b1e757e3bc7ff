import { expect, onTestFinished, test } from 'vitest'
import { redisConnection } from '../../../src/redis/connection/redis-connection.ts'
import { redisPendingStore } from '../../../src/redis/redis-pending-store.ts'
import { newEntry } from '../../../src/testing/pending-store/entries.ts'
import { redisCommands } from '../../harness/redis/redis-commands.ts'
import { startRedisNode } from '../../harness/redis/redis-server.ts'

// Each replica reads the ids once a minute over the connection that everything else uses.
test('huge ids of web keys in Redis do not hold up the requests of users', async () => {
  const redis = await startRedisNode()
  onTestFinished(() => redis.remove())
  const store = redisPendingStore({ redis: redisConnection({ url: `redis://127.0.0.1:${redis.port}` }) })
  onTestFinished(() => store.shutdown())
  const { key } = await store.openOrReuse(newEntry())
  const huge = 'x'.repeat(10_000_000)
  for (let at = 0; at < 20; at += 1)
    await redisCommands(redis.port, [['ZADD', 'mcp-vault:web-keys', '99999999999999', `${at}${huge}`]])
  const watched = store.webKeysInUse?.('0123-abcd')
  const entry = await store.get(key)
  // Nothing of what others have put there is read.
  expect((await watched)?.map(({ id }) => id)).toEqual(['0123-abcd'])
  expect(entry?.state).toBe('open')
})
