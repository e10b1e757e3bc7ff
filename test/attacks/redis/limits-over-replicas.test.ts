import { createServer, request as httpRequest, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { createSealer } from '../../../src/core/crypto/seal.ts'
import { sodiumReady } from '../../../src/core/crypto/sodium.ts'
import { createPendingRequests } from '../../../src/core/requests/pending-requests.ts'
import { createSharedLimits } from '../../../src/core/requests/shared-limits.ts'
import { redisConnection } from '../../../src/redis/connection/redis-connection.ts'
import { redisBrowserSessions } from '../../../src/redis/redis-browser-sessions.ts'
import { redisPendingStore } from '../../../src/redis/redis-pending-store.ts'
import type { CredentialVault } from '../../../src/vault/credential-vault.ts'
import { openVault } from '../../../src/vault/open-vault.ts'
import { pageLimits } from '../../../src/web/http/page-limits.ts'
import { redisCommands } from '../../harness/redis/redis-commands.ts'
import { type RedisNode, startRedisNode } from '../../harness/redis/redis-server.ts'

const ALICE = { issuer: 'https://login.example.com', subject: 'alice' }

let redis: RedisNode
beforeAll(async () => {
  await sodiumReady()
  redis = await startRedisNode()
})
afterAll(() => redis.remove())

const connection = () =>
  redisConnection({ url: `redis://127.0.0.1:${redis.port}`, timeoutMilliseconds: 20_000, warn: () => undefined })

/** One of the replicas behind a load balancer, which keeps the name that browsers have asked for. */
async function replica(webKey: string): Promise<{ vault: CredentialVault; server: Server; get(): Promise<number> }> {
  const shared = connection()
  const vault = await openVault({
    serverBaseUrl: 'http://localhost:1',
    backend: memoryBackend(),
    audit: memoryAudit(),
    webKey,
    rateLimits: { pagesPerMinute: 12 },
    pendingStore: redisPendingStore({ redis: shared }),
    browserSessions: redisBrowserSessions({ redis: shared }),
    warn: () => undefined,
  })
  const server = createServer(vault.nodeHandler())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const get = () =>
    new Promise<number>((resolve, reject) => {
      const sent = httpRequest({ port, host: '127.0.0.1', path: '/credentials', headers: { host: 'localhost:1' } })
      sent.on('response', (response) => resolve(response.resume().statusCode ?? 0)).on('error', reject)
      sent.end()
    })
  return { vault, server, get }
}

test('a stranger who spreads requests over the replicas gets no more pages than from one', async () => {
  const webKey = generateKeyText()
  const [here, there] = [await replica(webKey), await replica(webKey)]
  const statuses: number[] = []
  for (let at = 0; at < 12; at += 1) statuses.push(await (at % 2 ? here : there).get())
  expect(new Set(statuses).size).toBe(1)
  expect(statuses[0]).not.toBe(429)
  expect([await here.get(), await there.get()]).toEqual([429, 429])

  const [keys] = await redisCommands(redis.port, [['KEYS', '*:l:*']])
  const names = (keys as readonly Buffer[]).map(String)
  expect(names).toHaveLength(1)
  expect(names.join()).not.toContain('127.0.0.1')
  const [left] = await redisCommands(redis.port, [['PTTL', names[0] ?? '']])
  expect(Number(left)).toBeGreaterThan(0)
  for (const { server, vault } of [here, there]) {
    await new Promise((resolve) => server.close(resolve))
    await vault.close()
  }
})

test('a signed-in user who spreads submits and logins over the replicas is refused as on one', async () => {
  const sealer = createSealer(Buffer.alloc(32, 7))
  const stores = [redisPendingStore({ redis: connection() }), redisPendingStore({ redis: connection() })]
  const [here, there] = stores.map((store) => pageLimits({}, createSharedLimits(store, sealer)))
  if (!here || !there) return expect.fail('there are two')
  const submits = Array.from({ length: 30 }, (_, i) => (i % 2 ? here : there).submits.take('alice'))
  const waits = await Promise.all(submits)
  expect(waits.filter((wait) => wait === 0)).toHaveLength(10)
  for (const wait of waits) expect(wait).toBeLessThanOrEqual(60)
  expect(await there.submits.take('bob')).toBe(0)
  // Each /64 may take 60 logins, and the /48 of all of them 960.
  const addresses = Array.from({ length: 1000 }, (_, i) => `2001:db8:1:${(i % 250).toString(16)}00::1`)
  const logins = await Promise.all(addresses.map((address, i) => (i % 2 ? here : there).logins.take(address)))
  expect(logins.filter((wait) => wait === 0)).toHaveLength(960)
  expect(await here.logins.take('2001:db8:2::1')).toBe(0)
  for (const store of stores) await store.shutdown()
})

test('a user has at most 100 waiting calls on all replicas together, and those of a dead replica free up', async () => {
  const sealer = createSealer(Buffer.alloc(32, 8))
  const stores = [redisPendingStore({ redis: connection() }), redisPendingStore({ redis: connection() })]
  const [here, there] = stores.map((store) => createPendingRequests({ store, sealer }))
  if (!here || !there) return expect.fail('there are two')
  const ask = (requests: typeof here, provider = 'jira@work', user: { issuer: string; subject: string } = ALICE) =>
    requests.openOrReuse({ provider, user, cause: 'absent' }, { waits: true })
  const asked = await Promise.all(Array.from({ length: 110 }, (_, i) => ask(i % 2 ? here : there)))
  const waiting = asked.filter(({ waiterId }) => waiterId !== undefined)
  expect(waiting).toHaveLength(100)
  expect(new Set(asked.map(({ handle }) => handle)).size, 'one open request for all').toBe(1)
  expect((await ask(there, 'github')).waiterId).toBeUndefined()
  expect((await ask(there, 'jira@work', { ...ALICE, subject: 'bob' })).waiterId).toBeDefined()
  const [first] = waiting
  if (first) await here.leave(first)
  expect((await ask(there)).waiterId).toBeDefined()
  expect((await ask(here)).waiterId).toBeUndefined()
  // The leases of a replica that no longer looks end by Redis's clock.
  const [keys] = await redisCommands(redis.port, [['KEYS', '*:c']])
  for (const key of (keys as readonly Buffer[]).map(String)) {
    const [members] = await redisCommands(redis.port, [['ZRANGE', key, '0', '49']])
    const ends = (members as readonly Buffer[]).map((member) => ['ZADD', key, '1', String(member)])
    await redisCommands(redis.port, ends)
  }
  expect((await ask(there)).waiterId).toBeDefined()
  for (const store of stores) await store.shutdown()
})

test('while Redis is away each replica still limits what it serves', async () => {
  const own = await startRedisNode()
  const redis = redisConnection({
    url: `redis://127.0.0.1:${own.port}`,
    timeoutMilliseconds: 100,
    warn: () => undefined,
  })
  const store = redisPendingStore({ redis })
  await own.stop()
  const { submits } = pageLimits({}, createSharedLimits(store, createSealer(Buffer.alloc(32, 7))))
  const waits = await Promise.all(Array.from({ length: 15 }, () => submits.take('alice')))
  expect(waits.filter((wait) => wait === 0)).toHaveLength(10)
  await store.shutdown()
  await own.remove()
})
