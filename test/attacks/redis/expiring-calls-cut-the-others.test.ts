import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { redisConnection } from '../../../src/redis/connection/redis-connection.ts'
import { redisPendingStore } from '../../../src/redis/redis-pending-store.ts'
import { newEntry } from '../../../src/testing/pending-store/entries.ts'
import { freePort } from '../../harness/free-port.ts'
import { type RedisNode, startRedisNode } from '../../harness/redis/redis-server.ts'

/** Milliseconds that each answer takes on the way, as between two zones. */
const LATENCY = 20

let redis: RedisNode
beforeAll(async () => {
  redis = await startRedisNode()
})
afterAll(() => redis.remove())

/** A network in front of Redis that can be down. */
async function startNetwork() {
  const port = await freePort()
  const sockets = new Set<Socket>()
  let isUp = true
  let connections = 0
  const server = createServer((near) => {
    near.on('error', () => undefined)
    if (!isUp) return void near.destroy()
    connections += 1
    const far = connect(redis.port, '127.0.0.1').on('error', () => undefined)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one.on('close', () => other.destroy()))
      one.on('data', (chunk) => setTimeout(() => other.destroyed || other.write(chunk), one === far ? LATENCY : 0))
    }
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    port,
    connections: () => connections,
    up(now: boolean) {
      isUp = now
      if (!now) for (const socket of sockets) socket.destroy()
    },
    close: () => server.close(),
  }
}

// One connection carries the commands of all users. A command whose own time is up says nothing about it.
test('calls that have waited through an outage do not cut the connection of those that come after it', async () => {
  const network = await startNetwork()
  const connection = redisConnection({
    url: `redis://127.0.0.1:${network.port}`,
    timeoutMilliseconds: 500,
    warn: () => undefined,
  })
  const store = redisPendingStore({ redis: connection })
  await store.open?.()
  const { key } = await store.openOrReuse(newEntry({ owner: 'victim' }))
  network.up(false)
  const load = setInterval(() => void store.get(key).catch(() => undefined), 2)
  await delay(1_000)
  network.up(true)
  const before = network.connections()
  // Redis is back, and nobody's call from before it is left after this.
  await delay(2_500)
  const cut = network.connections() - before
  clearInterval(load)
  await store.shutdown()
  network.close()
  expect(cut).toBeLessThanOrEqual(2)
})
