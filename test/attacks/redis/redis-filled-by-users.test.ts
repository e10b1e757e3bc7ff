import { afterAll, beforeAll, expect, test } from 'vitest'
import { redisConnection } from '../../../src/redis/connection/redis-connection.ts'
import { redisBrowserSessions } from '../../../src/redis/redis-browser-sessions.ts'
import { redisPendingStore } from '../../../src/redis/redis-pending-store.ts'
import { newEntry } from '../../../src/testing/pending-store/entries.ts'
import { redisCommands } from '../../harness/redis/redis-commands.ts'
import { type RedisNode, startRedisNode } from '../../harness/redis/redis-server.ts'

const MINUTE = 60_000

let redis: RedisNode
beforeAll(async () => {
  redis = await startRedisNode()
})
afterAll(() => redis.remove())

const connect = () => redisConnection({ url: `redis://127.0.0.1:${redis.port}` })

test('a user who opens and cancels requests without end keeps nobody out and fills no memory', async () => {
  const store = redisPendingStore({ redis: connect(), maxEntries: 5 })
  const victim = await store.openOrReuse(newEntry({ owner: 'victim' }))
  for (let i = 0; i < 200; i += 1) {
    const { key } = await store.openOrReuse(newEntry({ owner: 'mallory' }))
    await store.close(key, 'cancelled')
  }
  expect((await store.get(victim.key))?.state).toBe('open')
  await store.openOrReuse(newEntry({ owner: 'another' }))
  // Each entry has a hash, a slot and a pointer; each owner has a list.
  await expect.poll(async () => Number((await redisCommands(redis.port, [['DBSIZE']]))[0])).toBeLessThan(25)
  await store.shutdown()
})

test('strangers who begin logins without end sign nobody out and fill no memory', async () => {
  const sessions = redisBrowserSessions({ redis: connect() })
  await sessions.open?.()
  const session = { id: 'a', owner: 'ann', startedAt: Date.now() + 5 }
  const fill = `for i = 1, 100000 do redis.call('ZADD', KEYS[1], ARGV[1], i) end return 1`
  const logins = 'mcp-vault:{sessions}:logins'
  await redisCommands(redis.port, [['EVAL', fill, '1', logins, String(Date.now() + MINUTE)]])
  for (let i = 0; i < 10; i += 1) await sessions.useLogin(`login ${i}`, Date.now() + 2 * MINUTE)
  expect(Number((await redisCommands(redis.port, [['ZCARD', logins]]))[0])).toBe(100_000)
  expect(await sessions.isEnded(session)).toBe(false)
  expect(await sessions.isLoginUsed({ id: 'login 9', startedAt: session.startedAt })).toBe(true)
  await sessions.close?.()
})
