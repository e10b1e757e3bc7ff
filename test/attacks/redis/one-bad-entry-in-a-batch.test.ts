import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { redisConnection } from '../../../src/redis/connection/redis-connection.ts'
import { createEntryLooks, type OwnedCall } from '../../../src/redis/pending/entry-looks.ts'
import { redisPendingStore } from '../../../src/redis/redis-pending-store.ts'
import { newEntry } from '../../../src/testing/pending-store/entries.ts'
import { redisCommands } from '../../harness/redis/redis-commands.ts'
import { type RedisNode, startRedisNode } from '../../harness/redis/redis-server.ts'

let server: RedisNode
beforeAll(async () => {
  server = await startRedisNode()
})
afterAll(() => server.remove())

async function waitingCalls(prefix: string) {
  const redis = redisConnection({ url: `redis://127.0.0.1:${server.port}`, prefix, warn: () => undefined })
  const store = redisPendingStore({ redis })
  onTestFinished(() => store.shutdown())
  const calls: OwnedCall[] = []
  for (let at = 0; at < 20; at += 1) {
    const entry = newEntry({ expiresAt: Date.now() + 600_000 })
    await store.openOrReuse(entry)
    calls.push({ key: entry.key, waiterId: 'call', root: `${prefix}{${entry.owner}}` })
  }
  return { redis, store, calls }
}

test.each([
  ['a mark of another type', (root: string) => ['RPUSH', `${root}:m`, 'x']],
  ['an entry that ends at no time', (root: string, key: string) => ['HSET', `${root}:e:${key}`, 'expiresAt', 'soon']],
  ['an entry that is kept for ever', (root: string, key: string) => ['HSET', `${root}:e:${key}`, 'keepUntil', '1e300']],
  ['calls of another type', (root: string) => ['SET', `${root}:c`, 'x']],
] as const)('%s sends no call of another owner to the backend', async (name, forge) => {
  const { redis, calls } = await waitingCalls(`bad-${name.length}:`)
  const [first] = calls
  if (!first) throw new Error('no calls')
  await redisCommands(server.port, [['DEL', `${first.root}:c`], forge(first.root, first.key) as string[]])
  const unsure = await createEntryLooks(redis).unsure(calls)
  expect(unsure).toEqual([first])
})

test('a server that refuses every write counts as away, also if some calls need none', async () => {
  const { redis, store, calls } = await waitingCalls('writes:')
  const [first] = calls
  if (!first) throw new Error('no calls')
  await store.close(first.key, 'saved')
  expect(await createEntryLooks(redis).unsure(calls)).toEqual([first])
  await redisCommands(server.port, [['CONFIG', 'SET', 'min-replicas-to-write', '1']])
  onTestFinished(
    () => void redisCommands(server.port, [['CONFIG', 'SET', 'min-replicas-to-write', '0']]).catch(() => undefined),
  )
  expect(await createEntryLooks(redis).unsure(calls)).toBeUndefined()
})
