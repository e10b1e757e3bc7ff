import type { PendingEntry } from '../../src/core/ports/pending-store.ts'
import { redisConnection } from '../../src/redis/connection/redis-connection.ts'
import { redisPendingStore } from '../../src/redis/redis-pending-store.ts'

// Waits for a request as a replica does, until it is killed. Given the server's URL and the entry.
const [, , url = '', text = ''] = process.argv
const entry: PendingEntry = JSON.parse(text)
const store = redisPendingStore({ redis: redisConnection({ url }) })
await store.openOrReuse(entry, 'call')
const stop = await store.listen('topic', () => void store.get(entry.key, 'call').then(report))
await report()

async function report(): Promise<void> {
  const found = await store.get(entry.key, 'call')
  process.stdout.write(`${found?.state}\n`)
  if (found?.state !== 'closed') return
  stop()
  await store.shutdown()
}
