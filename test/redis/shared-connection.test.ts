import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { redisConnection } from '../../src/redis/connection/redis-connection.ts'
import { redisBrowserSessions } from '../../src/redis/redis-browser-sessions.ts'
import { redisChangeFeed } from '../../src/redis/redis-change-feed.ts'
import { redisPendingStore } from '../../src/redis/redis-pending-store.ts'
import { newEntry } from '../../src/testing/pending-store/entries.ts'
import { redisCommands } from '../harness/redis/redis-commands.ts'
import { type RedisNode, startRedisNode } from '../harness/redis/redis-server.ts'

let node: RedisNode
beforeAll(async () => {
  node = await startRedisNode()
})
afterAll(() => node.remove())

/** Connections besides the one that asks. */
async function connections(): Promise<number> {
  const [list] = await redisCommands(node.port, [['CLIENT', 'LIST']])
  return String(list).trim().split('\n').length - 1
}

function connected() {
  const redis = redisConnection({ url: `redis://127.0.0.1:${node.port}`, warn: () => undefined })
  onTestFinished(() => redis.close())
  return redis
}

test('a store that was created and never used does not keep the connection of the others open', async () => {
  const redis = connected()
  redisBrowserSessions({ redis })
  const [store, feed] = [redisPendingStore({ redis }), redisChangeFeed({ redis })]
  await store.openOrReuse(newEntry())
  await feed.publish('x')
  expect(await connections()).toBeGreaterThan(0)
  await store.shutdown()
  expect(await connections()).toBeGreaterThan(0)
  await feed.close()
  await expect.poll(connections).toBe(0)
})

test('a store that is closed unused closes nothing of the others', async () => {
  const redis = connected()
  const [store, sessions] = [redisPendingStore({ redis }), redisBrowserSessions({ redis })]
  const { key } = await store.openOrReuse(newEntry())
  await sessions.close?.()
  expect((await store.get(key))?.state).toBe('open')
  await store.shutdown()
  await expect.poll(connections).toBe(0)
})

test('a store that was opened keeps the connection until it is closed, however often the others are', async () => {
  const redis = connected()
  const [store, sessions] = [redisPendingStore({ redis }), redisBrowserSessions({ redis })]
  await Promise.all([store.open?.(), sessions.open?.()])
  await store.shutdown()
  await store.shutdown()
  await sessions.end('a', Date.now() + 60_000)
  await sessions.close?.()
  await expect.poll(connections).toBe(0)
})
