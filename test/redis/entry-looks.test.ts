import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { commandCounts } from '../../bench/replicas/redis-stats.ts'
import { CredentialVaultError } from '../../src/core/model/errors.ts'
import type { PendingEntry, PendingStore } from '../../src/core/ports/pending-store.ts'
import { type RedisConnection, redisConnection } from '../../src/redis/connection/redis-connection.ts'
import { createEntryLooks, type EntryLooks, type OwnedCall } from '../../src/redis/pending/entry-looks.ts'
import { redisPendingStore } from '../../src/redis/redis-pending-store.ts'
import { newEntry } from '../../src/testing/pending-store/entries.ts'
import { redisCommands } from '../harness/redis/redis-commands.ts'
import { type RedisNode, startRedisNode } from '../harness/redis/redis-server.ts'

const MINUTE = 60_000

let server: RedisNode
let count = 0
beforeAll(async () => {
  server = await startRedisNode()
})
afterAll(() => server.remove())

interface Replica {
  readonly redis: RedisConnection
  readonly store: PendingStore
  readonly entries: EntryLooks
}

function replica(port = server.port, prefix = `looks-${count}:`): Replica {
  const redis = redisConnection({ url: `redis://127.0.0.1:${port}`, prefix, warn: () => undefined })
  const store = redisPendingStore({ redis })
  onTestFinished(() => store.shutdown())
  return { redis, store, entries: createEntryLooks(redis) }
}

/** A replica whose calls wait, and another one. */
function replicas(): { readonly here: Replica; readonly there: Replica } {
  count += 1
  return { here: replica(), there: replica() }
}

const rootOf = ({ owner }: PendingEntry) => `looks-${count}:{${owner}}`

async function waitingCall({ store }: Replica, given: Partial<PendingEntry> = {}): Promise<OwnedCall & PendingEntry> {
  const entry = newEntry({ expiresAt: Date.now() + 10 * MINUTE, ...given })
  await store.openOrReuse(entry, 'call')
  return { ...entry, waiterId: 'call', root: rootOf(entry) }
}

test('a call looks for itself if its request was claimed, or anything of its owner ended, and no other one does', async () => {
  const { here, there } = replicas()
  const calls = {
    untouched: await waitingCall(here),
    closed: await waitingCall(here),
    claimed: await waitingCall(here),
    lapsed: await waitingCall(here),
    reopened: await waitingCall(here),
    offboarded: await waitingCall(here),
    expired: await waitingCall(here, { expiresAt: Date.now() + 1 }),
    gone: await waitingCall(here),
    besideAnotherClient: await waitingCall(here),
  }
  const otherClient = await waitingCall(here, { owner: calls.besideAnotherClient.owner })
  const { closed, claimed, lapsed, reopened, offboarded, gone } = calls
  // No topics: as if each message were lost.
  await there.store.close(closed.key, 'saved')
  await there.store.claim(claimed.key, 'submit', Date.now() + MINUTE)
  await there.store.claim(lapsed.key, 'submit that died', Date.now() - 1)
  await there.store.claim(reopened.key, 'submit', Date.now() + MINUTE)
  await there.store.unclaim(reopened.key, 'submit')
  await there.store.closeAll?.(offboarded.owner, 'cancelled')
  await there.store.close(otherClient.key, 'saved')
  await redisCommands(server.port, [['DEL', `${gone.root}:e:${gone.key}`]])
  const unsure = await here.entries.unsure(Object.values(calls))
  expect(unsure?.map(({ key }) => Object.entries(calls).find(([, call]) => call.key === key)?.[0])).toEqual(
    Object.keys(calls).filter((name) => name !== 'untouched'),
  )
})

test('a look keeps the call counted, where it has a waiter id', async () => {
  const { here, there } = replicas()
  const counted = await waitingCall(here)
  const listening = await waitingCall(here)
  const forgotten = [counted, listening].map(({ root, key }) => ['DEL', `${root}:w:${key}`, `${root}:c`])
  await redisCommands(server.port, forgotten)
  const { waiterId: _, ...withoutId } = listening
  expect(await here.entries.unsure([counted, withoutId])).toEqual([])
  expect(await there.store.closeUnlessAwaited(counted.key, 'declined')).toBe(false)
  expect(await there.store.closeUnlessAwaited(listening.key, 'declined')).toBe(true)
  const [calls] = await redisCommands(server.port, [['ZCARD', `${counted.root}:c`]])
  expect(calls).toBe(1)
})

test('a thousand calls are looked at with ten scripts', async () => {
  const { here } = replicas()
  const call = await waitingCall(here)
  const calls = Array.from({ length: 1_000 }, () => call)
  const look = () => Promise.all(here.entries.batches(calls).map(here.entries.unsure))
  await look()
  const before = await commandCounts(server.port)
  expect((await look()).flat()).toEqual([])
  expect((await commandCounts(server.port)).sent - before.sent).toBe(10)
})

test('while Redis is away nobody looks, and a refusal is left to each call', async () => {
  count += 1
  const own = await startRedisNode()
  onTestFinished(() => own.remove())
  const away = replica(own.port)
  const call = await waitingCall(away)
  expect(await away.entries.unsure([call])).toEqual([])
  await redisCommands(own.port, [['ACL', 'SETUSER', 'default', '-hmget']])
  expect(await away.entries.unsure([call])).toEqual([call])
  await own.stop()
  expect(await away.entries.unsure([call])).toBeUndefined()
  await expect(away.store.get(call.key)).rejects.toMatchObject({ code: 'unavailable', retryable: true })
  await own.restart()
  // The new server knows nothing of it.
  await expect.poll(() => away.entries.unsure([call])).toEqual([call])
})

test.each(['redis_away', 'redis_dns', 'redis_timeout', 'redis_tls'] as const)(
  'no call looks for itself while Redis cannot be reached: %s',
  async (reason) => {
    const run = async () => Promise.reject(new CredentialVaultError('unavailable', 'Redis is away.', { reason }))
    const { unsure } = createEntryLooks({ run, isCluster: false })
    expect(await unsure([{ key: newEntry().key, root: 'root', waiterId: 'call' }])).toBeUndefined()
  },
)
