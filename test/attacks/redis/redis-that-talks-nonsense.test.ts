import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { keySlot } from '../../../src/redis/connection/key-slot.ts'
import { redisConnection } from '../../../src/redis/connection/redis-connection.ts'
import { redisPendingStore } from '../../../src/redis/redis-pending-store.ts'
import { newEntry } from '../../../src/testing/pending-store/entries.ts'

const INFO = ['redis_version:7.2.0', 'redis_mode:standalone', 'maxmemory_policy:noeviction', 'role:master', ''].join(
  '\r\n',
)
const bulk = (text: string) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`
const list = (...parts: readonly string[]) => `*${parts.length}\r\n${parts.join('')}`

/** A server that speaks as much of Redis's protocol as a connection needs, and answers scripts and looks at the cluster by `answers`. */
interface FakeRedis {
  readonly server: Server
  readonly port: number
  commands: number
}

let answers: { script?: string; slots?: string; mode: string }
let fake: FakeRedis
const thrown: unknown[] = []
const note = (error: unknown) => void thrown.push(error)

function reply(name: string, line: readonly string[]): string {
  if (name === 'HELLO') return list(bulk('proto'), ':3\r\n').replace('*2', '%1')
  if (name === 'INFO') return bulk(INFO.replace('standalone', answers.mode))
  if (name === 'TIME') return list(bulk(String(Math.floor(Date.now() / 1000))), bulk('0'))
  if (name === 'EVALSHA' || name === 'EVAL') return answers.script ?? list(bulk('yes'))
  if (name === 'CLUSTER') return answers.slots ?? '*0\r\n'
  if (name === 'SUBSCRIBE')
    return line
      .slice(1)
      .map((channel, at) => `>3\r\n${bulk('subscribe')}${bulk(channel)}:${at + 1}\r\n`)
      .join('')
  return '+OK\r\n'
}

function serve(socket: Socket): void {
  let held = ''
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => {
    held += chunk.toString('latin1')
    for (;;) {
      const [head, count] = /^\*(\d+)\r\n/.exec(held) ?? []
      if (head === undefined) return
      let at = head.length
      const line: string[] = []
      while (line.length < Number(count)) {
        const [size, length] = /^\$(\d+)\r\n/.exec(held.slice(at)) ?? []
        if (size === undefined || held.length < at + size.length + Number(length) + 2) return
        at += size.length
        line.push(held.slice(at, at + Number(length)))
        at += Number(length) + 2
      }
      held = held.slice(at)
      fake.commands += 1
      socket.write(reply(line[0]?.toUpperCase() ?? '', line))
    }
  })
}

beforeEach(async () => {
  answers = { mode: 'standalone' }
  const server = createServer(serve)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  fake = { server, port: (server.address() as AddressInfo).port, commands: 0 }
  thrown.length = 0
  process.on('uncaughtException', note).on('unhandledRejection', note)
})
afterEach(async () => {
  process.off('uncaughtException', note).off('unhandledRejection', note)
  fake.server.close()
})

const connectToCluster = () =>
  redisConnection({
    cluster: { nodes: [`127.0.0.1:${fake.port}`] },
    timeoutMilliseconds: 300,
    warn: () => undefined,
  })

const NONSENSE = {
  'no list': '+OK\r\n',
  null: '_\r\n',
  'an empty list': '*0\r\n',
  'a list of lists': list(list(bulk('entry')), list()),
  'an endless late': list(bulk('late'), bulk('nonsense')),
  'an unknown type': '\u0007what\r\n',
  'a second answer': '*0\r\n*0\r\n+OK\r\n',
  'a redirection': '-MOVED 99999 nonsense:99999\r\n',
  'an error without text': '-\r\n',
  'a length below zero': '$-5\r\n',
  'a push of nothing': '>0\r\n*0\r\n',
  'an unasked message': `>3\r\n${bulk('message')}${bulk('mcp-vault:wake')}_\r\n*0\r\n`,
}

for (const [name, script] of Object.entries(NONSENSE))
  test(`a server that answers scripts with ${name} gets no more than an error, and few commands`, async () => {
    const redis = redisConnection({
      url: `redis://127.0.0.1:${fake.port}`,
      timeoutMilliseconds: 300,
      warn: () => undefined,
    })
    const store = redisPendingStore({ redis })
    await store.open?.()
    await store.listen('topic', () => undefined)
    answers = { ...answers, script }
    const before = fake.commands
    const asked = await store.get(newEntry({}).key).catch((error: unknown) => error)
    if (asked !== undefined) expect(asked).toMatchObject({ code: 'unavailable' })
    await delay(20)
    expect(thrown).toEqual([])
    expect(fake.commands - before).toBeLessThan(100)
    await store.shutdown()
  })

const NO_TABLES = {
  'a slot below zero': [':-1', ':5', ''],
  'a slot too many': [':0', ':16384', ''],
  'slots from behind': [':5', ':4', ''],
  'half a slot': [',0.5', ',1.5', ''],
  'words for slots': ['+a', '+b', ''],
  'a port that none has': [':0', ':16383', ':65536'],
  'a word for a port': [':0', ':16383', '+x'],
} as const

for (const [name, [from, to, port]] of Object.entries(NO_TABLES))
  test(`a table of a cluster with ${name} is not used`, async () => {
    const master = list(bulk('127.0.0.1'), `${port === '' ? `:${fake.port}` : port}\r\n`, bulk('id'))
    answers = { mode: 'cluster', slots: list(list(`${from}\r\n`, `${to}\r\n`, master)) }
    const redis = connectToCluster()
    await expect(redis.open()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('it has no slots'),
    })
    await redis.close()
    expect(thrown).toEqual([])
  })

test('a cluster that serves only some slots serves those, and no redirection to another slot breaks that', async () => {
  const master = list(bulk('127.0.0.1'), `:${fake.port}\r\n`, bulk('id'))
  const broken = list(':0\r\n', ':99999\r\n', master)
  answers = { mode: 'cluster', slots: list(broken, list(':8000\r\n', ':16000\r\n', master)) }
  const redis = connectToCluster()
  await redis.open()
  const script = { sha: 'a'.repeat(40), text: 'return {}' }
  const run = (key: string) => redis.run(script, { keys: [key] })
  expect(keySlot('a')).toBe(15_495)
  expect(await run('a')).toEqual(['yes'])
  answers = { ...answers, script: `-MOVED 16383 127.0.0.1:${fake.port}\r\n` }
  const before = fake.commands
  await expect(run('a')).rejects.toMatchObject({ code: 'unavailable' })
  expect(fake.commands - before).toBeLessThan(100)
  answers = { mode: 'cluster', slots: answers.slots ?? '' }
  expect(await run('a')).toEqual(['yes'])
  await redis.close()
  expect(thrown).toEqual([])
})

test('a cluster node that names ten billion slots does not stop the process', async () => {
  const master = list(bulk('127.0.0.1'), `:${fake.port}\r\n`, bulk('id'))
  answers = { mode: 'cluster', slots: list(list(':0\r\n', ':20000000\r\n', master)) }
  const redis = connectToCluster()
  // Processor time, which does not depend on how busy the machine is. To note so many slots takes seconds of it.
  const before = process.cpuUsage()
  await redis.open().catch(() => undefined)
  const { user } = process.cpuUsage(before)
  await redis.close()
  expect(thrown).toEqual([])
  expect(user / 1000).toBeLessThan(1_000)
})
