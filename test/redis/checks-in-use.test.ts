import { connect, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { redisConnection } from '../../src/redis/connection/redis-connection.ts'
import { redisPendingStore } from '../../src/redis/redis-pending-store.ts'
import { newEntry } from '../../src/testing/pending-store/entries.ts'
import { freePort } from '../harness/free-port.ts'
import { startHarness } from '../harness/mcp-harness.ts'
import { redisCommands } from '../harness/redis/redis-commands.ts'
import { startRedisNode } from '../harness/redis/redis-server.ts'
import { startCluster } from '../harness/redis/redis-topologies.ts'

const PATIENT = { timeout: 60_000, interval: 100 }

test('a maxmemory-policy that evicts, set while the server runs, is reported and makes it unready until it is set back', async () => {
  const node = await startRedisNode()
  onTestFinished(() => node.remove())
  const told: string[][] = []
  const harness = await startHarness({
    shared() {
      const own: string[] = []
      told.push(own)
      const url = `redis://127.0.0.1:${node.port}`
      return {
        pendingStore: redisPendingStore({ redis: redisConnection({ url, warn: (text) => void own.push(text) }) }),
      }
    },
  })
  onTestFinished(() => harness.close())
  const problem = async () => {
    const answer = (await (await fetch(`${harness.baseUrl}/readyz`)).json()) as { problems?: Record<string, string> }
    return answer.problems?.['pending-store']
  }
  expect(await problem()).toBeUndefined()
  await redisCommands(node.port, [['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru']])
  await expect.poll(problem, PATIENT).toBe('redis_eviction')
  await redisCommands(node.port, [['CONFIG', 'SET', 'maxmemory-policy', 'noeviction']])
  await expect.poll(problem, PATIENT).toBeUndefined()
  for (const own of told) {
    await expect
      .poll(() => own, PATIENT)
      .toEqual([expect.stringContaining('maxmemory-policy'), 'Redis can be used again.'])
  }
})

/** A proxy in front of one server that can keep messages from subscribers. */
async function startProxy(port: number) {
  const at = await freePort()
  const sockets = new Set<Socket>()
  /** In the order in which they have subscribed. The first `deaf` of them get no messages. */
  const subscribers = new Set<Socket>()
  let deaf = 0
  const isDeaf = (near: Socket) => [...subscribers].slice(0, deaf).includes(near)
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    sockets.add(near)
    near.on('error', () => undefined).on('close', () => far.destroy())
    far.on('error', () => undefined).on('close', () => near.destroy())
    near.on('data', (chunk) => {
      if (/subscribe/i.test(String(chunk))) subscribers.add(near)
      far.write(chunk)
    })
    far.on('data', (chunk) => {
      if (!isDeaf(near) || !/^>3\r\n\$7\r\nmessage/.test(String(chunk))) near.write(chunk)
    })
  })
  await new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    port: at,
    /** Loses those that are there, and so many that are made later. */
    loseSubscriptions(later: number) {
      deaf = subscribers.size + later
    },
    /** How often somebody has subscribed. */
    subscribed: () => subscribers.size,
  }
}

async function wakesAreHeardAgain(
  store: ReturnType<typeof redisPendingStore>,
  lose: () => Promise<void> | void,
): Promise<void> {
  let woken = 0
  await store.open?.()
  const { key } = await store.openOrReuse(newEntry())
  await store.listen('topic', () => {
    woken += 1
  })
  await store.wake('topic')
  await expect.poll(() => woken).toBe(1)
  await lose()
  await expect
    .poll(async () => {
      const before = woken
      await store.wake('topic')
      await new Promise((resolve) => setTimeout(resolve, 50))
      return woken - before
    }, PATIENT)
    .toBeGreaterThan(0)
  expect((await store.get(key))?.state).toBe('open')
  await store.shutdown()
}

test('subscriptions that a proxy loses one after the other are reported once, and made again until one stays', async () => {
  const node = await startRedisNode()
  onTestFinished(() => node.remove())
  const proxy = await startProxy(node.port)
  const warnings: string[] = []
  const redis = redisConnection({ url: `redis://127.0.0.1:${proxy.port}`, warn: (text) => void warnings.push(text) })
  await wakesAreHeardAgain(redisPendingStore({ redis }), async () => {
    proxy.loseSubscriptions(1)
    await expect.poll(proxy.subscribed, PATIENT).toBe(3)
  })
  expect(warnings).toEqual([expect.stringContaining('messages have not arrived')])
})

test('a subscriber at a node that has left the cluster moves to another one', async () => {
  const cluster = await startCluster()
  onTestFinished(() => cluster.remove())
  const ids = await Promise.all(
    cluster.masters.map(async ({ port }) => String((await redisCommands(port, [['CLUSTER', 'MYID']]))[0])),
  )
  for (const { port } of cluster.masters)
    await redisCommands(port, [['CONFIG', 'SET', 'cluster-require-full-coverage', 'no']])
  const redis = redisConnection({ cluster: { nodes: cluster.nodes.slice(0, 1) }, warn: () => undefined })
  const at = async () => {
    const counts = await Promise.all(
      cluster.masters.map(async ({ port }) => {
        const [list] = await redisCommands(port, [['CLIENT', 'LIST', 'TYPE', 'pubsub']])
        return String(list).trim() === '' ? 0 : 1
      }),
    )
    return counts.indexOf(1)
  }
  const store = redisPendingStore({ redis })
  await store.open?.()
  let woken = 0
  await store.listen('topic', () => {
    woken += 1
  })
  await store.wake('topic')
  await expect.poll(() => woken).toBe(1)
  const left = await at()
  for (const [one, { port }] of cluster.masters.entries()) {
    const others = one === left ? ids.filter((_, other) => other !== left) : ids.filter((_, other) => other === left)
    await redisCommands(
      port,
      others.map((id) => ['CLUSTER', 'FORGET', id]),
    )
  }
  await expect.poll(at, PATIENT).not.toBe(left)
  await store.shutdown()
})
