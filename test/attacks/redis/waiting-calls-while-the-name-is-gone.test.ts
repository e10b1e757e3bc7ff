import { createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { PendingKey } from '../../../src/core/ports/pending-store.ts'
import { redisConnection } from '../../../src/redis/connection/redis-connection.ts'
import { createEntryLooks, type OwnedCall } from '../../../src/redis/pending/entry-looks.ts'

const calls: readonly OwnedCall[] = Array.from({ length: 100 }, (_, at) => ({
  key: `key-${at}` as PendingKey,
  waiterId: `call-${at}`,
  root: 'mcp-vault:{owner}',
}))

/** Resolves to the port of a server that is not Redis, and ends every connection with a text. */
async function talkingServer(): Promise<number> {
  const server = createServer((socket) => void socket.on('error', () => {}).end('220 hello\r\n'))
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as { port: number }).port
}

// An outage is one whatever its reason: while Redis has no address, or no TLS, a hundred calls that ask one by one learn nothing more.
test.each([
  ['has no address', async () => 'rediss://redis.invalid:6379', 'redis_dns'],
  ['does not speak TLS', async () => `rediss://127.0.0.1:${await talkingServer()}`, 'redis_tls'],
])(
  'no call looks alone while Redis %s',
  async (_, url, reason) => {
    const redis = redisConnection({ url: await url(), timeoutMilliseconds: 500, warn: () => undefined })
    onTestFinished(() => redis.close())
    await expect(redis.open()).rejects.toMatchObject({ code: 'unavailable', reason })
    expect(await createEntryLooks(redis).unsure(calls)).toBeUndefined()
  },
  30_000,
)
