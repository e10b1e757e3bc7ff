import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PendingStore } from '../../../src/core/ports/pending-store.ts'
import { redisConnection } from '../../../src/redis/connection/redis-connection.ts'
import { redisPendingStore } from '../../../src/redis/redis-pending-store.ts'
import { type FormServer, GOOD_VALUES, startFormServer } from '../../harness/browser/form-server.ts'
import { visitorOf } from '../../harness/browser/visitor.ts'
import { redisCommands } from '../../harness/redis/redis-commands.ts'
import { type RedisNode, startRedisNode } from '../../harness/redis/redis-server.ts'

let redis: RedisNode
let server: FormServer
let store: PendingStore
/** Holds back the next save. */
let held: { readonly reached: () => void; readonly released: Promise<void> } | undefined

beforeAll(async () => {
  redis = await startRedisNode()
  store = redisPendingStore({ redis: redisConnection({ url: `redis://127.0.0.1:${redis.port}` }) })
  server = await startFormServer({
    pendingStore: store,
    wrap: {
      // The claim is asked for again right before the write.
      pendingRequests: (requests) => ({
        ...requests,
        async renew(claim) {
          const hold = held
          held = undefined
          hold?.reached()
          await hold?.released
          return requests.renew(claim)
        },
      }),
    },
  })
})
afterAll(async () => {
  await server.close()
  await store.shutdown()
  await redis.remove()
})

test('a save whose claim was deleted in Redis, and taken by a second submit, writes nothing', async () => {
  const link = await server.ask('alice')
  const [first, second] = [visitorOf(server), visitorOf(server)]
  await first.signIn('alice', link)
  await second.signIn('alice', link)
  let release = () => {}
  const reached = new Promise<void>((resolve) => {
    const released = new Promise<void>((free) => {
      release = free
    })
    held = { reached: resolve, released }
  })
  const slow = first.submit(link, { ...GOOD_VALUES, pat: 'first-value-1f2e3d' })
  await reached
  const [keys] = await redisCommands(redis.port, [['KEYS', `*:e:${link.request.key}`]])
  const [entry] = keys as readonly Buffer[]
  await redisCommands(redis.port, [['HDEL', String(entry), 'claim', 'claimUntil']])
  expect((await second.submit(link, { ...GOOD_VALUES, pat: 'second-value-4a5b6c' })).status).toBe(303)
  release()
  expect((await slow).text).toContain('Nothing was saved')
  expect(await server.stored('alice')).toMatchObject({ pat: 'second-value-4a5b6c' })
  const stored = server.audit.events.filter(({ type }) => type === 'credential.stored')
  expect(stored).toHaveLength(1)
})
