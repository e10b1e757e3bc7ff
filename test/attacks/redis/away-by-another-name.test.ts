import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { PendingKey } from '../../../src/core/ports/pending-store.ts'
import { type RedisConnection, redisConnection } from '../../../src/redis/connection/redis-connection.ts'
import { createEntryLooks } from '../../../src/redis/pending/entry-looks.ts'

const calls = Array.from({ length: 100 }, (_, at) => ({
  key: `key-${at}` as PendingKey,
  waiterId: 'call',
  root: `p:{${at}}`,
}))

async function looked(redis: RedisConnection) {
  onTestFinished(() => redis.close())
  return createEntryLooks(redis).unsure(calls)
}

// A service of Kubernetes has no address while its only pod restarts. Each look of a call would wait five seconds for Redis.
test('no call looks for itself while the name of Redis has no address', async () => {
  const redis = redisConnection({
    url: 'redis://redis.invalid:6379',
    dangerouslyAllowPlaintext: true,
    warn: () => undefined,
  })
  expect(await looked(redis)).toBeUndefined()
}, 20_000)

test('no call looks for itself while a proxy before Redis breaks off the TLS handshake', async () => {
  const proxy = createServer((socket) => void socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n')).listen(0)
  onTestFinished(() => void proxy.close())
  const { port } = proxy.address() as AddressInfo
  const redis = redisConnection({ url: `rediss://127.0.0.1:${port}`, warn: () => undefined })
  expect(await looked(redis)).toBeUndefined()
}, 20_000)
