import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BrowserSessions } from '../../src/core/ports/browser-sessions.ts'
import { redisConnection } from '../../src/redis/connection/redis-connection.ts'
import { redisBrowserSessions } from '../../src/redis/redis-browser-sessions.ts'
import { describeBrowserSessions } from '../../src/testing/browser-sessions/suite.ts'
import { redisCommands } from '../harness/redis/redis-commands.ts'
import { type RedisNode, startRedisNode } from '../harness/redis/redis-server.ts'

const MINUTE = 60_000

let server: RedisNode
let count = 0

beforeAll(async () => {
  server = await startRedisNode({ config: ['appendonly yes', 'appendfsync always'] })
})
afterAll(() => server.remove())

/** Two replicas' sessions with a prefix of their own. */
async function replicas(): Promise<{
  readonly here: BrowserSessions
  readonly there: BrowserSessions
  readonly prefix: string
}> {
  const prefix = `sessions-${++count}:`
  const open = async () => {
    const sessions = redisBrowserSessions({
      redis: redisConnection({ url: `redis://127.0.0.1:${server.port}`, prefix }),
    })
    await sessions.open?.()
    return sessions
  }
  return { here: await open(), there: await open(), prefix }
}

describeBrowserSessions({
  test,
  async create() {
    const { here, there } = await replicas()
    return { here, there, close: () => Promise.all([here.close?.(), there.close?.()]).then(() => undefined) }
  },
})

/** A session that begins after all of the above. Redis's clock may be read a moment later than ours. */
const session = (id: string, owner: string) => ({ id, owner, startedAt: Date.now() + 5 })

test('a Redis that has lost its data signs everybody out, also who had not ended a session', async () => {
  const { here, there, prefix } = await replicas()
  const good = session('good', 'ann')
  expect(await here.isEnded(good)).toBe(false)
  await expect.poll(() => Date.now()).toBeGreaterThan(good.startedAt)
  await redisCommands(server.port, [
    ['EVAL', `return redis.call('DEL', unpack(redis.call('KEYS', ARGV[1])))`, '0', `${prefix}*`],
  ])
  expect(await here.isEnded(good)).toBe(true)
  expect(await there.isEnded(session('new', 'ann'))).toBe(false)
  await Promise.all([here.close?.(), there.close?.()])
})

test('a Redis restored from a copy that lacks an ending signs everybody out, once', async () => {
  const { here, there, prefix } = await replicas()
  const stolen = session('stolen', 'ann')
  await here.end('other', Date.now() + MINUTE)
  const keys = ['state', 'ended'].map((name) => `${prefix}{sessions}:${name}`)
  const copies = await redisCommands(
    server.port,
    keys.map((key) => ['DUMP', key]),
  )
  await here.end(stolen.id, Date.now() + MINUTE)
  await expect.poll(() => Date.now()).toBeGreaterThan(stolen.startedAt)
  await redisCommands(
    server.port,
    keys.flatMap((key, at) => [
      ['DEL', key],
      ['RESTORE', key, '0', copies[at] as Buffer],
    ]),
  )
  expect(await here.isEnded(stolen)).toBe(true)
  expect(await there.isEnded(stolen)).toBe(true)
  const next = session('next', 'ann')
  expect(await here.isEnded(next)).toBe(false)
  expect(await there.isEnded(next)).toBe(false)
  await Promise.all([here.close?.(), there.close?.()])
})

test('a restart of a Redis that keeps its data signs nobody out', async () => {
  const { here, there } = await replicas()
  const kept = session('kept', 'ann')
  await here.end('ended', Date.now() + MINUTE)
  await server.stop('SIGKILL')
  await server.restart()
  expect(await here.isEnded(kept)).toBe(false)
  expect(await there.isEnded({ ...kept, id: 'ended' })).toBe(true)
  await Promise.all([here.close?.(), there.close?.()])
})

test('more endings than can be remembered end everything rather than let one back in', async () => {
  const { here, there, prefix } = await replicas()
  const first = session('first', 'ann')
  await here.end(first.id, Date.now() + MINUTE)
  const fill = `for i = 1, 100000 do redis.call('ZADD', KEYS[1], ARGV[1], i) end return 1`
  await redisCommands(server.port, [['EVAL', fill, '1', `${prefix}{sessions}:ended`, String(Date.now() + MINUTE)]])
  await expect.poll(() => Date.now()).toBeGreaterThan(first.startedAt)
  await here.end('one too many', Date.now() + MINUTE)
  expect(await there.isEnded(first)).toBe(true)
  expect(await there.isEnded(session('new', 'ann'))).toBe(false)
  await Promise.all([here.close?.(), there.close?.()])
})
