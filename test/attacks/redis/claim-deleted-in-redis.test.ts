import { afterAll, beforeAll, expect, test } from 'vitest'
import { memoryBackend } from '../../../src/backends/memory.ts'
import type { PendingStore } from '../../../src/core/ports/pending-store.ts'
import { redisConnection } from '../../../src/redis/connection/redis-connection.ts'
import { redisPendingStore } from '../../../src/redis/redis-pending-store.ts'
import { type FormServer, GOOD_VALUES, type Link, startFormServer } from '../../harness/browser/form-server.ts'
import { visitorOf } from '../../harness/browser/visitor.ts'
import { redisCommands } from '../../harness/redis/redis-commands.ts'
import { type RedisNode, startRedisNode } from '../../harness/redis/redis-server.ts'

let redis: RedisNode
let server: FormServer
let store: PendingStore
interface Hold {
  readonly reached: () => void
  readonly released: Promise<void>
}

/** Holds back the next save before it renews its claim, or after that, at the backend. */
let held: Hold | undefined
let heldWrite: Hold | undefined

function newHold(): { readonly hold: Hold; readonly reached: Promise<void>; release(): void } {
  let reach = () => {}
  let release = () => {}
  const reached = new Promise<void>((resolve) => {
    reach = resolve
  })
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  return { hold: { reached: reach, released }, reached, release }
}

async function loseClaim(link: Link): Promise<void> {
  const [keys] = await redisCommands(redis.port, [['KEYS', `*:e:${link.request.key}`]])
  const [entry] = keys as readonly Buffer[]
  expect(await redisCommands(redis.port, [['HDEL', String(entry), 'claim', 'claimUntil']])).toEqual([2])
}

beforeAll(async () => {
  redis = await startRedisNode()
  store = redisPendingStore({ redis: redisConnection({ url: `redis://127.0.0.1:${redis.port}` }) })
  const backend = memoryBackend()
  server = await startFormServer({
    pendingStore: store,
    backend: {
      ...backend,
      async write(...given) {
        const hold = heldWrite
        heldWrite = undefined
        hold?.reached()
        await hold?.released
        return backend.write(...given)
      },
    },
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
  const { hold, reached, release } = newHold()
  held = hold
  const slow = first.submit(link, { ...GOOD_VALUES, pat: 'first-value-1f2e3d' })
  await reached
  await loseClaim(link)
  expect((await second.submit(link, { ...GOOD_VALUES, pat: 'second-value-4a5b6c' })).status).toBe(303)
  release()
  expect((await slow).text).toContain('Nothing was saved')
  expect(await server.stored('alice')).toMatchObject({ pat: 'second-value-4a5b6c' })
  const stored = server.audit.events.filter(({ type }) => type === 'credential.stored')
  expect(stored).toHaveLength(1)
})

test('a claim that is lost after its save was checked leaves the decision to the backend: one value is saved, once', async () => {
  const link = await server.ask('bob')
  const [first, second] = [visitorOf(server), visitorOf(server)]
  await first.signIn('bob', link)
  await second.signIn('bob', link)
  const { hold, reached, release } = newHold()
  heldWrite = hold
  const slow = first.submit(link, { ...GOOD_VALUES, pat: 'first-value-9c8b7a' })
  await reached
  await loseClaim(link)
  expect((await second.submit(link, { ...GOOD_VALUES, pat: 'second-value-6d5e4f' })).status).toBe(303)
  release()
  const late = await slow
  expect(late.status).not.toBe(303)
  expect(await server.stored('bob')).toMatchObject({ pat: 'second-value-6d5e4f' })
  const stored = server.audit.events.filter(
    ({ type, owner }) => type === 'credential.stored' && owner?.subject === 'bob',
  )
  expect(stored.filter(({ outcome }) => outcome === 'success')).toHaveLength(1)
})
