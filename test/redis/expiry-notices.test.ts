import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createSealer } from '../../src/core/crypto/seal.ts'
import { sodiumReady } from '../../src/core/crypto/sodium.ts'
import { createExpiryNotices } from '../../src/core/gate/expiry-notices.ts'
import { createEventListeners } from '../../src/core/journal/event-listeners.ts'
import { CredentialVaultError } from '../../src/core/model/errors.ts'
import { DAY } from '../../src/core/model/expiry.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import type { CredentialStatus } from '../../src/core/ports/secret-backend.ts'
import { createSharedLimits } from '../../src/core/requests/shared-limits.ts'
import { redisConnection } from '../../src/redis/connection/redis-connection.ts'
import { redisPendingStore } from '../../src/redis/redis-pending-store.ts'
import { redisCommands } from '../harness/redis/redis-commands.ts'
import { type RedisNode, startRedisNode } from '../harness/redis/redis-server.ts'

const ISSUER = 'https://login.example.com'
const expiresAt = new Date(Date.now() + 3 * DAY)
const version = { id: '1', createdAt: new Date() }
const status = { status: 'active', version, labels: { expiresAt } } as unknown as CredentialStatus

let redis: RedisNode
beforeAll(async () => {
  await sodiumReady()
  redis = await startRedisNode()
})
afterAll(() => redis.remove())

/** What one tool process says to a user in the result of a call. */
async function replica() {
  const connection = redisConnection({
    url: `redis://127.0.0.1:${redis.port}`,
    timeoutMilliseconds: 20_000,
    warn: () => undefined,
  })
  const store = redisPendingStore({ redis: connection })
  await store.open?.()
  onTestFinished(() => store.shutdown())
  const { emit } = createEventListeners(() => undefined)
  const countUse = createSharedLimits(store, createSealer(Buffer.alloc(32, 7)))
  const notices = createExpiryNotices({ events: { emit }, daysAhead: 14, accountUrl: 'http://localhost:1', countUse })
  const tell = (subject: string) => {
    const owner = { issuer: ISSUER, subject }
    return notices.noticeFor(storageKey('jira', owner), 'Jira', status, { user: owner, correlationId: 'test' })
  }
  return { tell, store }
}

test('one of many replicas says once a day that a credential expires; Redis learns no user', async () => {
  const replicas = await Promise.all([replica(), replica(), replica(), replica()])
  const said = await Promise.all(replicas.map(({ tell }) => tell('alice')))
  expect(said.filter((line) => line !== undefined)).toEqual([expect.stringContaining('Your Jira credential expires')])
  for (const { tell } of replicas) expect(await tell('alice')).toBeUndefined()
  const [another] = replicas
  expect(await another?.tell('bob')).toContain('expires')

  const [found] = await redisCommands(redis.port, [['KEYS', '*:l:*']])
  const keys = (found as readonly Buffer[]).map(String)
  expect(keys).toHaveLength(2)
  expect(keys.join()).not.toMatch(/alice|bob|jira/)
  const [left] = await redisCommands(redis.port, [['PTTL', keys[0] ?? '']])
  expect(Number(left)).toBeGreaterThan(DAY - 600_000)
})

test('while Redis hangs or is away, a result is not kept waiting, and each process says it once', async () => {
  const [here, there] = await Promise.all([replica(), replica()])
  redis.process.child.kill('SIGSTOP')
  try {
    // The store waits for its whole time limit.
    const hung = here.store.countUse?.([{ key: 'other', most: 1 }]).then(String, () => 'the store gave up')
    expect(await Promise.race([here.tell('carol'), hung])).toContain('expires')
    expect(await here.tell('carol')).toBeUndefined()
  } finally {
    redis.process.child.kill('SIGCONT')
  }
  await redis.stop()
  expect(await there.tell('carol')).toContain('expires')
  expect(await there.tell('carol')).toBeUndefined()
  await redis.restart()
})

test('a Redis that refuses to count takes no result away', async () => {
  const events = createEventListeners(() => undefined)
  const countUse = async () => {
    throw new CredentialVaultError('forbidden', 'Redis does not allow it.', { reason: 'redis_refused' })
  }
  const notices = createExpiryNotices({ events, daysAhead: 14, accountUrl: 'http://localhost:1', countUse })
  const owner = { issuer: ISSUER, subject: 'carol' }
  const tell = () =>
    notices.noticeFor(storageKey('jira', owner), 'Jira', status, { user: owner, correlationId: 'test' })
  expect(await tell()).toContain('expires')
  expect(await tell()).toBeUndefined()
})
