import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { createSealer } from '../../src/core/crypto/seal.ts'
import { sodiumReady } from '../../src/core/crypto/sodium.ts'
import { createPendingRequests } from '../../src/core/requests/pending-requests.ts'
import { redisConnection } from '../../src/redis/connection/redis-connection.ts'
import { redisPendingStore } from '../../src/redis/redis-pending-store.ts'
import { startRedisNode } from '../harness/redis/redis-server.ts'

test('a replica learns from Redis how long ago another one ended the request that its call waited for', async () => {
  await sodiumReady()
  const node = await startRedisNode()
  onTestFinished(() => node.remove())
  const sealer = createSealer(Buffer.alloc(32, 7))
  const woken: [string, number][] = []
  const replica = () => {
    const store = redisPendingStore({ redis: redisConnection({ url: `redis://127.0.0.1:${node.port}` }) })
    onTestFinished(() => store.shutdown())
    const waitObserver = {
      begun: () => undefined,
      woken: (provider: string, ago: number) => void woken.push([provider, ago]),
      ended: () => undefined,
    }
    return createPendingRequests({ store, sealer, waitObserver })
  }
  const [here, there] = [replica(), replica()]
  const user = { issuer: 'https://login.example.com', subject: 'alice' }
  const request = await here.openOrReuse({ provider: 'jira', user, cause: 'absent' }, { waits: true })
  const began = performance.now()
  let looks = 0
  const hasCredential = async () => {
    looks += 1
    return false
  }
  const waiting = here.wait(request, hasCredential, new AbortController().signal)
  await expect.poll(() => looks).toBe(1)
  expect(await there.close(request, 'saved')).toBe(true)
  expect(await waiting).toBe('saved')
  expect(woken).toEqual([['jira', expect.any(Number)]])
  expect(woken[0]?.[1]).toBeLessThanOrEqual(performance.now() - began)
  await delay(50)
  // A call that comes later did not wait for it.
  expect(await here.wait(request, async () => false, new AbortController().signal)).toBe('saved')
  expect(woken).toHaveLength(1)
})
