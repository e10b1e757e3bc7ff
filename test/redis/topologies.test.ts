import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { redisConnection } from '../../src/redis/connection/redis-connection.ts'
import type { RedisOptions } from '../../src/redis/connection/redis-options.ts'
import { redisBrowserSessions } from '../../src/redis/redis-browser-sessions.ts'
import { redisChangeFeed } from '../../src/redis/redis-change-feed.ts'
import { redisPendingStore } from '../../src/redis/redis-pending-store.ts'
import { type BrowserSessionsHarness, describeBrowserSessions } from '../../src/testing/browser-sessions/suite.ts'
import { newEntry } from '../../src/testing/pending-store/entries.ts'
import type { PendingStoreHarness } from '../../src/testing/pending-store/harness.ts'
import { describePendingStore, type PendingStoreLimits } from '../../src/testing/pending-store/suite.ts'
import { fillIn, startHarness } from '../harness/mcp-harness.ts'
import { CLUSTER_ACL, MINIMAL_ACL } from '../harness/redis/minimal-acl.ts'
import { redisCommands } from '../harness/redis/redis-commands.ts'
import {
  type ClusterSetUp,
  isMaster,
  type SentinelSetUp,
  startCluster,
  startSentinels,
  startTlsRedis,
  type TlsSetUp,
} from '../harness/redis/redis-topologies.ts'

const MINUTE = 60_000
let count = 0

function stores(options: () => RedisOptions) {
  return async (limits: PendingStoreLimits): Promise<PendingStoreHarness> => {
    const prefix = `mcp-test:${++count}:`
    const open = () => redisPendingStore({ redis: redisConnection({ ...options(), prefix }), ...limits })
    const [here, there] = [open(), open()]
    await Promise.all([here.open?.(), there.open?.()])
    return { here, there, close: () => Promise.all([here.shutdown(), there.shutdown()]).then(() => undefined) }
  }
}

function sessions(options: () => RedisOptions) {
  return async (): Promise<BrowserSessionsHarness> => {
    const prefix = `mcp-test:${++count}:`
    const open = () => redisBrowserSessions({ redis: redisConnection({ ...options(), prefix }) })
    const [here, there] = [open(), open()]
    await here.open?.()
    await there.open?.()
    return { here, there, close: () => Promise.all([here.close?.(), there.close?.()]).then(() => undefined) }
  }
}

describe('a cluster of three', () => {
  let cluster: ClusterSetUp
  beforeAll(async () => {
    cluster = await startCluster()
  })
  afterAll(() => cluster.remove())
  const options = () => ({ cluster: { nodes: cluster.nodes.slice(0, 1) } })

  describePendingStore({ test: test.concurrent, create: stores(options), boundsEntries: false })

  describeBrowserSessions({ test: test.concurrent, create: sessions(options) })

  test('a server of a cluster is not used as one server', async () => {
    const redis = redisConnection({ url: `redis://${cluster.nodes[0]}` })
    await expect(redis.open()).rejects.toMatchObject({ code: 'configuration_invalid', reason: 'redis_unfit' })
    await redis.close()
  })

  test('a user with the rights of the documentation can do everything', async () => {
    const rule = ['ACL', 'SETUSER', 'mcp', 'on', '>correct', ...CLUSTER_ACL.split(' ')]
    for (const { port } of cluster.masters) await redisCommands(port, [rule])
    const redis = redisConnection({ ...options(), username: 'mcp', password: 'correct' })
    const store = redisPendingStore({ redis })
    await store.open?.()
    const entries = await Promise.all(Array.from({ length: 6 }, () => store.openOrReuse(newEntry())))
    let woken = 0
    await store.listen('topic', () => {
      woken += 1
    })
    for (const { key } of entries) expect(await store.close(key, 'saved', ['topic'])).toBe(true)
    await expect.poll(() => woken).toBe(entries.length)
    await store.shutdown()
  })

  test('a slot that moves takes its requests along', async () => {
    const { here, close } = await stores(options)({})
    const owners = Array.from({ length: 12 }, (_, i) => `owner-${i}`)
    const entries = await Promise.all(owners.map((owner) => here.openOrReuse(newEntry({ owner }))))
    await moveSlotsOfFirst(
      cluster,
      entries.map(({ owner }) => `mcp-test:${count}:{${owner}}`),
    )
    for (const entry of entries) {
      expect((await here.get(entry.key))?.sealed).toBe(entry.sealed)
      expect(await here.claim(entry.key, 'a', Date.now() + MINUTE)).toBe(true)
    }
    await close()
  })
})

/** Lets a call wait on one replica of ours, fails Redis over with `failOver`, and saves the form on another one. */
async function waitThrough(failOver: (prefix: string) => Promise<void>, options: () => RedisOptions): Promise<void> {
  const prefix = `mcp-test:${++count}:`
  const harness = await startHarness({
    jira: { tokenTimeoutSeconds: 100 },
    shared() {
      const redis = redisConnection({ ...options(), prefix, timeoutMilliseconds: 20_000, warn: () => undefined })
      return {
        pendingStore: redisPendingStore({ redis }),
        browserSessions: redisBrowserSessions({ redis }),
        changeFeed: redisChangeFeed({ redis }),
      }
    },
  })
  onTestFinished(() => harness.close())
  const alice = await harness.connect('alice', { onLink: () => 'accept' })
  const waiting = alice.text('read_secret', { timeout: 110_000 })
  await expect.poll(() => alice.links.length).toBe(1)
  await failOver(prefix)
  const [link = ''] = alice.links
  expect((await fillIn(link, 'alice', { pat: 'tok-of-alice' })).status).toBe(200)
  expect(await waiting).toEqual({ text: 'a secret of 12 characters', isError: false })
  expect(alice.links).toHaveLength(1)
}

test('a master of a cluster dies while a call waits: its replica has the request, and the save wakes the call', async () => {
  const cluster = await startCluster({ replicas: true })
  onTestFinished(() => cluster.remove())
  async function failOver(prefix: string) {
    const owners = await Promise.all(
      cluster.masters.map(async ({ port }) => {
        const [keys] = await redisCommands(port, [['KEYS', `${prefix}{*}*`]])
        return (keys as readonly Buffer[]).map(String).filter((key) => !/{(?:sessions|changes)}/.test(key))
      }),
    )
    const at = owners.findIndex((keys) => keys.length > 0)
    const [master, replica] = [cluster.masters[at], cluster.replicas[at]]
    if (!master || !replica) throw new Error('no node of the cluster has the request')
    await master.stop('SIGKILL')
    await expect.poll(() => isMaster(replica.port), { interval: 100 }).toBe(true)
  }
  await waitThrough(failOver, () => ({ cluster: { nodes: cluster.nodes } }))
})

/** Moves the slots of these keys from the node that has them to another, key by key, as resharding does. */
async function moveSlotsOfFirst({ masters }: ClusterSetUp, keys: readonly string[]): Promise<void> {
  const [first, second] = masters
  if (!first || !second) throw new Error('a cluster has three masters')
  const idOf = async (port: number) => String((await redisCommands(port, [['CLUSTER', 'MYID']]))[0])
  const [firstId, secondId] = [await idOf(first.port), await idOf(second.port)]
  const slotOf = async (key: string) => String((await redisCommands(first.port, [['CLUSTER', 'KEYSLOT', key]]))[0])
  const all = [...new Set(await Promise.all(keys.map(slotOf)))]
  for (const slot of all.filter((one) => Number(one) < 5461)) {
    await redisCommands(second.port, [['CLUSTER', 'SETSLOT', slot, 'IMPORTING', firstId]])
    await redisCommands(first.port, [['CLUSTER', 'SETSLOT', slot, 'MIGRATING', secondId]])
    const [held] = await redisCommands(first.port, [['CLUSTER', 'GETKEYSINSLOT', slot, '100']])
    const names = (held as readonly Buffer[]).map(String)
    if (names.length > 0) {
      await redisCommands(first.port, [
        ['MIGRATE', '127.0.0.1', String(second.port), '', '0', '5000', 'KEYS', ...names],
      ])
    }
    for (const { port } of [second, first]) await redisCommands(port, [['CLUSTER', 'SETSLOT', slot, 'NODE', secondId]])
  }
}

describe('Sentinel', () => {
  let setUp: SentinelSetUp
  beforeAll(async () => {
    setUp = await startSentinels()
  })
  afterAll(() => setUp.remove())
  const options = () => ({ sentinel: { name: setUp.name, nodes: setUp.sentinels }, timeoutMilliseconds: 20_000 })

  describePendingStore({ test: test.concurrent, create: stores(options) })

  describeBrowserSessions({ test: test.concurrent, create: sessions(options) })

  test('a name that no Sentinel knows, and a Sentinel that is taken for a server, are refused with words', async () => {
    const unknown = redisConnection({
      ...options(),
      sentinel: { name: 'misspelt', nodes: setUp.sentinels },
      timeoutMilliseconds: 500,
    })
    await expect(unknown.open()).rejects.toThrow('Check redisConnection.sentinel.name')
    const direct = redisConnection({ url: `redis://${setUp.sentinels[0]}` })
    await expect(direct.open()).rejects.toThrow('is a Sentinel')
    await Promise.all([unknown.close(), direct.close()])
  })

  test('the master dies while a call waits: the save wakes the call', async () => {
    async function failOver() {
      const port = await setUp.masterPort()
      await setUp.nodeAt(port).stop('SIGKILL')
      await expect.poll(() => setUp.masterPort(), { interval: 100 }).not.toBe(port)
      onTestFinished(() => rejoined(port))
    }
    /** The next fail-over needs a replica that is in step. */
    async function rejoined(port: number) {
      await setUp.nodeAt(port).restart()
      const master = await setUp.masterPort()
      await expect
        .poll(async () => String((await redisCommands(master, [['INFO', 'replication']]))[0]), { interval: 100 })
        .toMatch(/state=online/)
    }
    await waitThrough(failOver, options)
  })

  test('the master is killed in the middle: a wait hears of its end, and what was confirmed is kept', async () => {
    const { here, there, close } = await stores(options)({})
    const sessions = redisBrowserSessions({ redis: redisConnection({ ...options(), prefix: `mcp-test:${count}:` }) })
    await sessions.open?.()
    const entry = await here.openOrReuse(newEntry(), 'call')
    const ended = { id: 'a', owner: 'ann', startedAt: Date.now() + 5 }
    await sessions.end('a', Date.now() + MINUTE)
    expect(await here.claim(entry.key, 'a', Date.now() + MINUTE)).toBe(true)
    let woken = 0
    await here.listen('topic', () => {
      woken += 1
    })
    const port = await setUp.masterPort()
    await setUp.nodeAt(port).stop('SIGKILL')
    await expect.poll(() => setUp.masterPort(), { interval: 100 }).not.toBe(port)
    expect(await there.claim(entry.key, 'b', Date.now() + MINUTE)).toBe(false)
    expect(await sessions.isEnded(ended)).toBe(true)
    expect(await there.close(entry.key, 'saved', ['topic'])).toBe(true)
    await expect.poll(() => woken).toBeGreaterThan(0)
    expect(await here.get(entry.key)).toMatchObject({ state: 'closed', outcome: 'saved' })
    // The old master comes back as a replica, and nobody uses it.
    await setUp.nodeAt(port).restart()
    const later = await here.openOrReuse(newEntry())
    expect((await there.get(later.key))?.key).toBe(later.key)
    await Promise.all([close(), sessions.close?.()])
  })
})

describe('TLS and an ACL user with the rights of the documentation', () => {
  const folder = mkdtempSync(join(tmpdir(), 'redis-tls-'))
  const passwordFile = join(folder, 'password')
  let setUp: TlsSetUp
  beforeAll(async () => {
    writeFileSync(passwordFile, 'correct horse\n')
    const rights = MINIMAL_ACL.replaceAll('mcp-vault:', 'mcp-test:')
    setUp = await startTlsRedis(folder, ['user default off', `user mcp on ">correct horse" ${rights}`])
  })
  afterAll(async () => {
    await setUp.node.remove()
    rmSync(folder, { recursive: true, force: true })
  })
  const options = () => ({
    url: `rediss://127.0.0.1:${setUp.port}`,
    username: 'mcp',
    passwordFile,
    tls: { caFile: setUp.caFile },
  })

  describePendingStore({ test: test.concurrent, create: stores(options) })

  describeBrowserSessions({ test: test.concurrent, create: sessions(options) })

  test.each([
    [
      'another password',
      { password: 'wrong', passwordFile: undefined },
      { code: 'unauthenticated', reason: 'redis_login' },
    ],
    ['keys of another prefix', { prefix: 'other:' }, { code: 'forbidden', reason: 'redis_rights' }],
    ['an unknown authority', { tls: {} }, { code: 'unavailable', reason: 'redis_tls' }],
  ])('%s is told apart from an outage', async (_, change, expected) => {
    const redis = redisConnection({ ...options(), timeoutMilliseconds: 20_000, ...change, warn: () => undefined })
    const sessions = redisBrowserSessions({ redis })
    await expect(sessions.open?.()).rejects.toMatchObject(expected)
    await sessions.close?.()
  })
})
