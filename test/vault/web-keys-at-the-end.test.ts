import { expect, onTestFinished, test } from 'vitest'
import { memoryAudit } from '../../src/audit/memory.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import type { PendingStore } from '../../src/core/ports/pending-store.ts'
import { memoryPendingStore } from '../../src/pending/memory-pending-store.ts'
import { redisConnection } from '../../src/redis/connection/redis-connection.ts'
import { redisPendingStore } from '../../src/redis/redis-pending-store.ts'
import { openVault } from '../../src/vault/open-vault.ts'
import { freePort } from '../harness/free-port.ts'
import { redisCommands } from '../harness/redis/redis-commands.ts'
import { startRedisNode } from '../harness/redis/redis-server.ts'

function openReplica(pendingStore: PendingStore) {
  return openVault({
    serverBaseUrl: 'http://localhost:1',
    backend: memoryBackend(),
    audit: memoryAudit(),
    webKey: generateKeyText(),
    pendingStore,
    warn: () => undefined,
  })
}

/** A store shared by replicas, which says how each of them ends. */
function sharedStore(endWebKeyUse?: () => Promise<void>) {
  const said: string[] = []
  const memory = memoryPendingStore()
  const store: PendingStore = {
    ...memory,
    shared: true,
    async webKeysInUse() {
      said.push('use')
      return []
    },
    ...(endWebKeyUse && {
      endWebKeyUse() {
        said.push('end')
        return endWebKeyUse()
      },
    }),
    async shutdown() {
      said.push('shutdown')
      await memory.shutdown()
    },
  }
  return { said, store }
}

test.each([
  ['answers', async () => undefined],
  ['fails', () => Promise.reject(new Error('on purpose'))],
  ['hangs', () => new Promise<never>(() => undefined)],
])(
  'a replica that ends takes back its key before its store shuts down, and ends though the store %s',
  async (_, end) => {
    const { said, store } = sharedStore(end)
    const vault = await openReplica(store)
    await vault.close()
    expect(said).toEqual(['use', 'end', 'shutdown'])
  },
)

test('a replica with a store that takes no key back ends too', async () => {
  const { said, store } = sharedStore()
  const vault = await openReplica(store)
  await vault.close()
  expect(said).toEqual(['use', 'shutdown'])
})

test('a process that has only read the keys in use, such as doctor, takes none back, and asks Redis nothing for it', async () => {
  const away = redisPendingStore({
    redis: redisConnection({ url: `redis://127.0.0.1:${await freePort()}`, warn: () => undefined }),
  })
  onTestFinished(() => away.shutdown())
  await away.endWebKeyUse?.()

  const redis = await startRedisNode()
  onTestFinished(() => redis.remove())
  const open = () => {
    const store = redisPendingStore({ redis: redisConnection({ url: `redis://127.0.0.1:${redis.port}` }) })
    onTestFinished(() => store.shutdown())
    return store
  }
  const [replica, doctor] = [open(), open()]
  await replica.webKeysInUse?.('0123-abcd')
  expect((await doctor.webKeysInUse?.())?.map(({ id }) => id)).toEqual(['0123-abcd'])
  await doctor.endWebKeyUse?.()
  expect((await redisCommands(redis.port, [['ZRANGE', 'mcp-vault:web-keys', '0', '-1']]))[0]).toHaveLength(1)
  await replica.endWebKeyUse?.()
  expect((await redisCommands(redis.port, [['ZRANGE', 'mcp-vault:web-keys', '0', '-1']]))[0]).toHaveLength(0)
})
