import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSealer } from '../../src/core/crypto/seal.ts'
import { sodiumReady } from '../../src/core/crypto/sodium.ts'
import { CHANGE_PURPOSES, createSharedChanges } from '../../src/core/lifecycle/shared-changes.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import { redisConnection } from '../../src/redis/connection/redis-connection.ts'
import { redisChangeFeed } from '../../src/redis/redis-change-feed.ts'
import { redisCommands } from '../harness/redis/redis-commands.ts'
import { recordMonitor } from '../harness/redis/redis-monitor.ts'
import { type RedisNode, startRedisNode } from '../harness/redis/redis-server.ts'

const PASSWORD = 'redis-password'
const ALICE = { issuer: 'https://login.example.com', subject: 'alice-subject' }
const KEY = storageKey('jira', ALICE)
const webKey = randomBytes(32)

let redis: RedisNode
beforeAll(async () => {
  await sodiumReady()
  redis = await startRedisNode({ config: [`requirepass ${PASSWORD}`] })
})
afterAll(() => redis.remove())

async function replica(key = webKey) {
  const heard: string[] = []
  const connection = redisConnection({
    url: `redis://127.0.0.1:${redis.port}`,
    password: PASSWORD,
    timeoutMilliseconds: 20_000,
    warn: () => undefined,
  })
  const changes = createSharedChanges(redisChangeFeed({ redis: connection }), createSealer(key, CHANGE_PURPOSES))
  await changes.listen({
    forget: ({ path }) => heard.push(path),
    forgetAll: () => heard.push('all'),
    cut: ({ subject }) => heard.push(`cut ${subject}`),
  })
  return { changes, heard }
}

test('every other replica hears of a change, and Redis sees neither user nor provider', async () => {
  const monitor = await recordMonitor(redis.port, PASSWORD)
  const [one, two, three] = await Promise.all([replica(), replica(), replica()])
  one.changes.credential(KEY)
  await one.changes.offboarded(ALICE)
  const expected = [KEY.path, 'cut alice-subject']
  await expect
    .poll(() => [two.heard.toSorted(), three.heard.toSorted()])
    .toEqual([expected.toSorted(), expected.toSorted()])
  expect(one.heard).toEqual([])
  const seen = await monitor.stop()
  expect(seen).toContain('EVALSHA')
  for (const text of ['alice', 'login.example.com', 'jira']) expect(seen).not.toContain(text)
  await Promise.all([one, two, three].map(({ changes }) => changes.close()))
})

test('a message that is forged, or sealed by another vault with this Redis, changes nothing', async () => {
  const [one, foreign] = await Promise.all([replica(), replica(randomBytes(32))])
  foreign.changes.credential(KEY)
  await redisCommands(redis.port, [['PUBLISH', 'mcp-vault:changes', JSON.stringify({ from: 'x', path: KEY.path })]], {
    password: PASSWORD,
  })
  const other = await replica()
  other.changes.credential({ path: 'last' })
  await expect.poll(() => one.heard).toEqual(['last'])
  await Promise.all([one, foreign, other].map(({ changes }) => changes.close()))
})

test('after Redis was away every cache is dropped, and a change meanwhile neither fails nor waits', async () => {
  const [one, two] = await Promise.all([replica(), replica()])
  await redis.stop()
  one.changes.credential(KEY)
  await redis.restart()
  await expect.poll(() => two.heard.includes('all')).toBe(true)
  await Promise.all([one, two].map(({ changes }) => changes.close()))
})

test('a vault without a feed announces nothing', async () => {
  const changes = createSharedChanges(undefined, createSealer(webKey, CHANGE_PURPOSES))
  changes.credential(KEY)
  await changes.listen({ forget: () => undefined, forgetAll: () => undefined, cut: () => undefined })
  await changes.close()
})
