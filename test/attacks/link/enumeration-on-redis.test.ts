import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { PendingStore } from '../../../src/core/ports/pending-store.ts'
import { redisConnection } from '../../../src/redis/connection/redis-connection.ts'
import { redisBrowserSessions } from '../../../src/redis/redis-browser-sessions.ts'
import { redisPendingStore } from '../../../src/redis/redis-pending-store.ts'
import { type FormServer, GOOD_VALUES, type Link, startFormServer } from '../../harness/browser/form-server.ts'
import { type Visitor, visitorOf } from '../../harness/browser/visitor.ts'
import { redisCommands } from '../../harness/redis/redis-commands.ts'
import { type RedisNode, startRedisNode } from '../../harness/redis/redis-server.ts'

let redis: RedisNode
let store: PendingStore
let server: FormServer
let bob: Visitor
let links: Record<'foreign' | 'unknown', Link>
/** Whose link it was is looked for after the answer. Held back, so that what comes before the answer can be counted. */
let held = Promise.resolve()

beforeAll(async () => {
  redis = await startRedisNode()
  const shared = redisConnection({ url: `redis://127.0.0.1:${redis.port}`, warn: () => undefined })
  store = redisPendingStore({ redis: shared })
  server = await startFormServer({
    sessions: redisBrowserSessions({ redis: shared }),
    pendingStore: {
      ...store,
      async get(key, waiterId, owners) {
        if (!owners) await held
        return store.get(key, waiterId, owners)
      },
    },
  })
  const foreign = await server.ask('alice')
  const nobody = randomBytes(32).toString('base64url')
  const swap = (text: string) => text.replace(foreign.request.handle, nobody)
  links = { foreign, unknown: { ...foreign, entry: swap(foreign.entry), submit: swap(foreign.submit) } }
  bob = visitorOf(server)
  await bob.signIn('bob', await server.ask('bob'))
})
afterAll(async () => {
  await server.close()
  await store.shutdown()
  await redis.remove()
})

async function scriptsRun(): Promise<number> {
  const [text] = await redisCommands(redis.port, [['INFO', 'commandstats']])
  return Number(/^cmdstat_evalsha:calls=(\d+)/m.exec(String(text))?.[1])
}

test('who is somebody else gets the answer for an existing link after as many steps as for none', async () => {
  const counted = new Map<string, readonly number[]>()
  for (const [kind, link] of Object.entries(links)) {
    let release = () => {}
    held = new Promise((resolve) => {
      release = resolve
    })
    const before = await scriptsRun()
    const { status } = await bob.get(link.entry)
    const opened = await scriptsRun()
    const sent = await bob.post(link.submit, { 'csrf-token': 'x', ...GOOD_VALUES })
    counted.set(kind, [status, opened - before, sent.status, (await scriptsRun()) - opened])
    release()
  }
  expect(counted.get('foreign')).toEqual(counted.get('unknown'))
  expect(counted.get('foreign')?.[0]).toBe(403)
})

test('and it is logged all the same, for the existing link alone', async () => {
  held = Promise.resolve()
  const mismatches = () => server.audit.events.filter(({ type }) => type === 'form.identity_mismatch')
  const already = mismatches().length
  await bob.get(links.unknown.entry)
  await bob.get(links.foreign.entry)
  await vi.waitFor(() => expect(mismatches().length).toBeGreaterThan(already))
  expect(mismatches()).toHaveLength(already + 1)
  expect(mismatches().at(-1)).toMatchObject({
    owner: { subject: 'alice' },
    actor: { owner: { subject: 'bob' } },
  })
})

test('an entry of another owner that somebody with access to Redis has put below the own keys opens nothing', async () => {
  const { key } = links.foreign.request
  const [keys] = await redisCommands(redis.port, [['KEYS', `*:e:${key}`]])
  const [theirs] = (keys as readonly Buffer[]).map(String)
  const own = await server.ask('bob')
  const [ownKeys] = await redisCommands(redis.port, [['KEYS', `*:e:${own.request.key}`]])
  const [mine] = (ownKeys as readonly Buffer[]).map(String)
  const moved = `${mine?.slice(0, mine.indexOf(':e:'))}:e:${key}`
  expect(await redisCommands(redis.port, [['COPY', theirs ?? '', moved]])).toEqual([1])
  expect((await bob.get(links.foreign.entry)).status).toBe(403)
  expect((await bob.post(links.foreign.submit, { 'csrf-token': 'x', ...GOOD_VALUES })).status).toBe(403)
})
