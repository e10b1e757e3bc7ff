import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PendingEntry, PendingStore } from '../../src/core/ports/pending-store.ts'
import { redisConnection } from '../../src/redis/connection/redis-connection.ts'
import type { RedisOptions } from '../../src/redis/connection/redis-options.ts'
import { redisBrowserSessions } from '../../src/redis/redis-browser-sessions.ts'
import { redisPendingStore } from '../../src/redis/redis-pending-store.ts'
import { newEntry } from '../../src/testing/pending-store/entries.ts'
import { compiled } from '../harness/processes/compile-module.ts'
import { redisCommands } from '../harness/redis/redis-commands.ts'
import { type RedisNode, startRedisNode } from '../harness/redis/redis-server.ts'

const MINUTE = 60_000

let server: RedisNode
beforeAll(async () => {
  server = await startRedisNode()
})
afterAll(() => server.remove())

const connect = (options: Partial<RedisOptions> = {}) =>
  redisConnection({ url: `redis://127.0.0.1:${server.port}`, warn: () => undefined, ...options })

async function withStore(options: Partial<RedisOptions>, run: (store: PendingStore) => Promise<void>): Promise<void> {
  const store = redisPendingStore({ redis: connect(options) })
  try {
    await run(store)
  } finally {
    await store.shutdown()
  }
}

describe('a process that waits', () => {
  const url = () => `redis://127.0.0.1:${server.port}`

  async function waitingChild(entry: PendingEntry): Promise<ChildProcess> {
    const child = spawn(
      process.execPath,
      [compiled(join(import.meta.dirname, 'waiting-child.ts')), url(), JSON.stringify(entry)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    expect(String((await once(child.stdout ?? expect.fail(), 'data'))[0])).toContain('open')
    return child
  }

  test('hears at once of a save in another process, and ends by itself', async () => {
    await withStore({}, async (store) => {
      const entry = newEntry()
      const child = await waitingChild(entry)
      const heard = once(child.stdout ?? expect.fail(), 'data')
      const ended = once(child, 'exit')
      expect(await store.close(entry.key, 'saved', ['topic'])).toBe(true)
      expect(String((await heard)[0])).toContain('closed')
      expect((await ended)[0]).toBe(0)
    })
  })

  test('that is killed no longer counts as waiting after half a minute', async () => {
    await withStore({}, async (store) => {
      const entry = newEntry({ expiresAt: Date.now() + 5 * MINUTE })
      const child = await waitingChild(entry)
      expect(await store.closeUnlessAwaited(entry.key, 'declined')).toBe(false)
      child.kill('SIGKILL')
      await once(child, 'exit')
      await expect
        .poll(() => store.closeUnlessAwaited(entry.key, 'declined'), { timeout: 90_000, interval: 500 })
        .toBe(true)
    })
  })

  test('a call that looks now and then goes on counting as waiting', async () => {
    await withStore({}, async (store) => {
      const entry = newEntry()
      await store.openOrReuse(entry, 'call')
      const key = `mcp-vault:{${entry.owner}}:w:${entry.key}`
      await redisCommands(server.port, [['ZADD', key, '1', 'call']])
      await store.get(entry.key, 'call')
      expect(await store.closeUnlessAwaited(entry.key, 'declined')).toBe(false)
    })
  })
})

describe('a Redis that hangs', () => {
  test('a change whose caller has given up is not made when the server goes on', async () => {
    await withStore({ timeoutMilliseconds: 5_000 }, async (store) => {
      const entry = await store.openOrReuse(newEntry())
      const { pid } = server.process.child
      if (pid === undefined) throw new Error('the server has no process id')
      process.kill(pid, 'SIGSTOP')
      try {
        await expect(store.claim(entry.key, 'late', Date.now() + MINUTE)).rejects.toMatchObject({
          code: 'unavailable',
          reason: expect.stringMatching(/^redis_(?:timeout|away)$/),
          retryable: true,
        })
      } finally {
        process.kill(pid, 'SIGCONT')
      }
      // The server has read the late command before this one.
      await redisCommands(server.port, [['PING']])
      await expect.poll(() => store.get(entry.key).catch(() => undefined)).toMatchObject({ state: 'open' })
    })
  })
})

test('an answer that has arrived counts, though this process was too busy to read it in time', async () => {
  const timeoutMilliseconds = 8_000
  await withStore({ timeoutMilliseconds }, async (store) => {
    const entry = await store.openOrReuse(newEntry())
    // From now on Redis has the script, so that one answer suffices.
    await store.get(entry.key)
    await redisCommands(server.port, [['CLIENT', 'PAUSE', '60000', 'WRITE']])
    const found = store.get(entry.key)
    // Redis has the command, and answers once another process tells it to go on, while this one reads nothing.
    const clients = async () => String((await redisCommands(server.port, [['CLIENT', 'LIST']]))[0])
    await expect.poll(clients, { interval: 10 }).toMatch(/ flags=b .* cmd=eval/)
    const goOn = `require('node:net').connect(${server.port}, '127.0.0.1').end('CLIENT UNPAUSE\\r\\n')`
    spawnSync(process.execPath, ['-e', `${goOn}; setTimeout(() => {}, ${timeoutMilliseconds + 1_000})`])
    expect(await found).toMatchObject({ key: entry.key, state: 'open' })
  })
})

describe('a Redis that is away', () => {
  test('is named with its address and what to do, and used again when it is back', async () => {
    const own = await startRedisNode()
    const warnings: string[] = []
    const url = `redis://127.0.0.1:${own.port}`
    const redis = redisConnection({ url, timeoutMilliseconds: 6_000, warn: (text) => warnings.push(text) })
    const store = redisPendingStore({ redis })
    const entry = await store.openOrReuse(newEntry())
    await own.stop()
    await expect(store.get(entry.key)).rejects.toThrow(
      `Redis at 127.0.0.1:${own.port} cannot be reached (connection refused)`,
    )
    await own.restart()
    await expect.poll(() => store.get(entry.key).catch(() => 'away')).toBeUndefined()
    expect(warnings.at(-1)).toBe('Redis can be used again.')
    await store.shutdown()
    await own.remove()
  })

  test('a lost connection is opened again, and a step that was under way is repeated', async () => {
    await withStore({}, async (store) => {
      const entry = await store.openOrReuse(newEntry())
      const kills = Array.from({ length: 10 }, () => ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'])
      const [claims] = await Promise.all([
        Promise.all(
          Array.from({ length: 20 }, (_, i) => store.claim(entry.key, `claim-${i % 2}`, Date.now() + MINUTE)),
        ),
        redisCommands(server.port, kills),
      ])
      // One of the two has it, and may ask again.
      expect(claims.filter(Boolean)).toHaveLength(10)
    })
  })
})

describe('a wake that is lost', () => {
  test('is made up for when the subscription is back', async () => {
    await withStore({}, async (store) => {
      let woken = 0
      await store.listen('topic', () => {
        woken += 1
      })
      await redisCommands(server.port, [['CLIENT', 'KILL', 'TYPE', 'pubsub']])
      await expect.poll(() => woken).toBeGreaterThan(0)
    })
  })

  test('is made up for by a look now and then', async () => {
    await withStore({}, async (store) => {
      let woken = 0
      const stop = await store.listen('never woken', () => {
        woken += 1
      })
      await expect.poll(() => woken, { timeout: 60_000 }).toBe(2)
      stop()
    })
  })
})

describe('a Redis that must not be used', () => {
  test.each(['allkeys-lru', 'volatile-ttl', 'volatile-lru'])('%s', async (policy) => {
    const own = await startRedisNode({ config: [`maxmemory-policy ${policy}`] })
    const redis = redisConnection({ url: `redis://127.0.0.1:${own.port}`, warn: () => undefined })
    await expect(redis.open()).rejects.toMatchObject({
      code: 'configuration_invalid',
      reason: 'redis_eviction',
      message: expect.stringMatching(/CONFIG SET maxmemory-policy noeviction.*redis\.conf/),
    })
    await redis.close()
    await own.remove()
  })

  test('a replica', async () => {
    const own = await startRedisNode({ config: [`replicaof 127.0.0.1 ${server.port}`] })
    const redis = redisConnection({
      url: `redis://127.0.0.1:${own.port}`,
      timeoutMilliseconds: 6_000,
      warn: () => undefined,
    })
    const store = redisPendingStore({ redis })
    await expect(store.openOrReuse(newEntry())).rejects.toThrow('is a replica and takes no changes')
    await store.shutdown()
    await own.remove()
  })

  test('a full one refuses new requests with its own reason', async () => {
    const own = await startRedisNode({ config: ['maxmemory 100kb'] })
    const redis = redisConnection({
      url: `redis://127.0.0.1:${own.port}`,
      timeoutMilliseconds: 20_000,
      warn: () => undefined,
    })
    const store = redisPendingStore({ redis })
    await expect(store.openOrReuse(newEntry())).rejects.toMatchObject({ code: 'unavailable', reason: 'redis_full' })
    await store.shutdown()
    await own.remove()
  })
})

test('a sign-out that no replica confirms is not acknowledged', async () => {
  const replica = await startRedisNode({ config: [`replicaof 127.0.0.1 ${server.port}`] })
  await expect
    .poll(async () => String((await redisCommands(server.port, [['INFO', 'replication']]))[0]))
    .toMatch(/state=online/)
  const sessions = redisBrowserSessions({ redis: connect({ timeoutMilliseconds: 6_000, prefix: 'replicated:' }) })
  await sessions.open?.()
  await sessions.end('confirmed', Date.now() + MINUTE)
  const { pid } = replica.process.child
  if (pid === undefined) throw new Error('the replica has no process id')
  process.kill(pid, 'SIGSTOP')
  try {
    await expect(sessions.end('unconfirmed', Date.now() + MINUTE)).rejects.toMatchObject({ reason: 'redis_behind' })
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  await expect
    .poll(() =>
      sessions.end('again', Date.now() + MINUTE).then(
        () => true,
        () => false,
      ),
    )
    .toBe(true)
  await sessions.close?.()
  await replica.remove()
})
