import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createSealer } from '../../../src/core/crypto/seal.ts'
import { sodiumReady } from '../../../src/core/crypto/sodium.ts'
import type { NewRequest } from '../../../src/core/ports/pending-request.ts'
import type { PendingStore } from '../../../src/core/ports/pending-store.ts'
import { createPendingRequests, type PendingRequests } from '../../../src/core/requests/pending-requests.ts'
import { redisConnection } from '../../../src/redis/connection/redis-connection.ts'
import { redisPendingStore } from '../../../src/redis/redis-pending-store.ts'
import { redisCommands } from '../../harness/redis/redis-commands.ts'
import { type RedisNode, startRedisNode } from '../../harness/redis/redis-server.ts'

let redis: RedisNode
let store: PendingStore
let requests: PendingRequests

beforeAll(async () => {
  await sodiumReady()
  redis = await startRedisNode()
  store = redisPendingStore({ redis: redisConnection({ url: `redis://127.0.0.1:${redis.port}` }) })
  requests = createPendingRequests({ store, sealer: createSealer(randomBytes(32)) })
})
afterAll(async () => {
  await store.shutdown()
  await redis.remove()
})

const of = (subject: string): NewRequest => ({
  provider: 'jira',
  user: { issuer: 'https://login.example.com', subject },
  cause: 'absent',
})

const keyOf = async (pattern: string) => {
  const [found] = await redisCommands(redis.port, [['KEYS', pattern]])
  return (found as readonly Buffer[]).map(String)[0] ?? expect.fail(`no key like ${pattern}`)
}

test("whoever writes to Redis cannot give a user another user's request, nor another's link the user's owner", async () => {
  const mallory = await requests.openOrReuse(of('mallory'))
  const alice = await requests.openOrReuse(of('alice'))
  const [hers, his] = [await keyOf(`*:e:${alice.key}`), await keyOf(`*:e:${mallory.key}`)]
  const [sealed] = await redisCommands(redis.port, [['HGET', his, 'sealed']])

  // His record in her entry: her link must not lead to it, and her next call gets a link of her own.
  await redisCommands(redis.port, [['HSET', hers, 'sealed', sealed as Buffer]])
  expect(await requests.find(alice.handle)).toBeUndefined()
  const next = await requests.openOrReuse(of('alice'))
  expect(next.user.subject).toBe('alice')
  expect(next.handle).not.toBe(mallory.handle)

  // Her slot and the pointer of his link lead to his entry, copied to her root.
  const root = hers.slice(0, hers.indexOf(':e:'))
  const slot = (await redisCommands(redis.port, [['HGET', await keyOf(`*:e:${next.key}`), 'slot']]))[0] as Buffer
  await redisCommands(redis.port, [
    ['COPY', his, `${root}:e:${mallory.key}`],
    ['HSET', `${root}:e:${mallory.key}`, 'slot', slot],
    ['SET', `${root}:s:${slot}`, mallory.key],
  ])
  await expect(requests.openOrReuse(of('alice'))).rejects.toMatchObject({ code: 'record_tampered', reason: 'swapped' })
  expect((await requests.find(mallory.handle))?.request.user.subject).toBe('mallory')
})

test('a link that is kept alive in Redis ends with its seal', async () => {
  const sealer = createSealer(Buffer.alloc(32, 7))
  const short = createPendingRequests({ store, sealer, linkTtlSeconds: 1 })
  const request = await short.openOrReuse(of('bob'))
  const far = String(Date.now() + 10 * 3_600_000)
  await redisCommands(redis.port, [
    ['HSET', await keyOf(`*:e:${request.key}`), 'expiresAt', far, 'keepUntil', far],
    ['PEXPIREAT', await keyOf(`*:e:${request.key}`), far],
  ])
  expect((await short.find(request.handle))?.state).toBe('open')
  vi.useFakeTimers({ now: Date.now() + 12 * 60_000, toFake: ['Date'] })
  try {
    expect(await short.find(request.handle)).toBeUndefined()
  } finally {
    vi.useRealTimers()
  }
})

test('messages that others publish wake nobody wrongly and break nothing', async () => {
  const request = await requests.openOrReuse(of('carol'), { waits: true })
  const abort = new AbortController()
  let looks = 0
  const end = requests.wait(
    request,
    async () => {
      looks += 1
      return false
    },
    abort.signal,
  )
  await expect.poll(() => looks).toBe(1)
  const garbage = ['', '{}', 'x'.repeat(100_000), '\0\u2028'].map((text) => ['PUBLISH', 'mcp-vault:wake', text])
  await redisCommands(redis.port, garbage)
  await requests.close(request, 'saved')
  expect(await end).toBe('saved')
})
