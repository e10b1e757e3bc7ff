import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { redisConnection } from '../../../src/redis/connection/redis-connection.ts'
import { redisBrowserSessions } from '../../../src/redis/redis-browser-sessions.ts'
import { redisPendingStore } from '../../../src/redis/redis-pending-store.ts'
import { newEntry } from '../../../src/testing/pending-store/entries.ts'
import { redisCommands } from '../../harness/redis/redis-commands.ts'
import { type RedisNode, startRedisNode } from '../../harness/redis/redis-server.ts'

let master: RedisNode
let replica: RedisNode
beforeAll(async () => {
  master = await startRedisNode({ config: ['repl-diskless-sync-delay 0'] })
  replica = await startRedisNode({ config: [`replicaof 127.0.0.1 ${master.port}`] })
  const online = async () => String((await redisCommands(master.port, [['INFO', 'replication']]))[0])
  while (!/^slave0:.*state=online/m.test(await online())) await delay(50)
})
afterAll(async () => {
  replica.process.child.kill('SIGCONT')
  await replica.remove()
  await master.remove()
})

async function blockedClients(): Promise<number> {
  const [info] = await redisCommands(master.port, [['INFO', 'clients']])
  return Number(/blocked_clients:(\d+)/.exec(String(info))?.[1])
}

async function withHangingReplica(act: () => Promise<void>): Promise<void> {
  replica.process.child.kill('SIGSTOP')
  try {
    await act()
  } finally {
    replica.process.child.kill('SIGCONT')
  }
}

// WAIT blocks its connection, which all users of the process share.
test('a user who signs out while a replica of Redis hangs does not stop the calls of all other users', async () => {
  const redis = redisConnection({ url: `redis://127.0.0.1:${master.port}`, warn: () => undefined })
  const store = redisPendingStore({ redis })
  const sessions = redisBrowserSessions({ redis })
  await sessions.open?.()
  const { key } = await store.openOrReuse(newEntry({ owner: 'victim' }))
  await withHangingReplica(async () => {
    let isAnswered = false
    const signOut = sessions
      .end('mallory', Date.now() + 60_000)
      .catch((error: unknown) => error)
      .finally(() => {
        isAnswered = true
      })
    await expect.poll(() => blockedClients()).toBe(1)
    for (let at = 0; at < 3; at += 1) expect((await store.get(key))?.state).toBe('open')
    expect(isAnswered).toBe(false)
    await signOut
  })
  await sessions.close?.()
  await store.shutdown()
})

test('many sign-outs meanwhile wait beside each other: each one is told that no replica confirmed it', async () => {
  const sessions = redisBrowserSessions({
    redis: redisConnection({ url: `redis://127.0.0.1:${master.port}`, warn: () => undefined }),
  })
  await sessions.open?.()
  const signOut = (id: string) =>
    sessions.end(id, Date.now() + 60_000).then(
      () => 'done',
      (error: { reason?: string }) => error.reason,
    )
  await withHangingReplica(async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, (_, at) => signOut(`session-${at}`)))
    expect(new Set(answers)).toEqual(new Set(['redis_behind']))
  })
  await expect.poll(() => signOut('later')).toBe('done')
  await sessions.close?.()
})
