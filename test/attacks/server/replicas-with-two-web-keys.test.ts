import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { checkKeysOfReplicas } from '../../../src/cli/doctor/replica-keys.ts'
import { generateKeyText, keyId, parseKey } from '../../../src/core/crypto/key-text.ts'
import { redisConnection } from '../../../src/redis/connection/redis-connection.ts'
import { redisBrowserSessions } from '../../../src/redis/redis-browser-sessions.ts'
import { redisChangeFeed } from '../../../src/redis/redis-change-feed.ts'
import { redisPendingStore } from '../../../src/redis/redis-pending-store.ts'
import { openVault } from '../../../src/vault/open-vault.ts'
import { redisCommands } from '../../harness/redis/redis-commands.ts'
import { type RedisNode, startRedisNode } from '../../harness/redis/redis-server.ts'

let redis: RedisNode
beforeAll(async () => {
  redis = await startRedisNode()
})
afterAll(() => redis.remove())

/** What a replica with this key tells its operator. */
async function startReplica(webKey: string, acceptedWebKeys: readonly string[] = []): Promise<readonly string[]> {
  return (await openReplica(webKey, acceptedWebKeys)).told
}

async function openReplica(webKey: string, acceptedWebKeys: readonly string[] = []) {
  const shared = redisConnection({ url: `redis://127.0.0.1:${redis.port}`, warn: () => undefined })
  const told: string[] = []
  const vault = await openVault({
    serverBaseUrl: 'http://localhost:1',
    backend: memoryBackend(),
    audit: memoryAudit(),
    webKey,
    acceptedWebKeys,
    pendingStore: redisPendingStore({ redis: shared }),
    browserSessions: redisBrowserSessions({ redis: shared }),
    changeFeed: redisChangeFeed({ redis: shared }),
    warn: (message) => void told.push(message),
  })
  onTestFinished(() => vault.close())
  return { told, close: () => vault.close() }
}

function openStore() {
  const store = redisPendingStore({ redis: redisConnection({ url: `redis://127.0.0.1:${redis.port}` }) })
  onTestFinished(() => store.shutdown())
  return store
}

// Links of one are phishing to the other, a sign-out or an offboarding on one does not reach the other, and each counts its own limits.
test('a replica whose web key no other replica accepts says so at its start', async () => {
  const webKey = generateKeyText()
  await startReplica(webKey)
  expect((await startReplica(webKey)).join('\n')).not.toMatch(/web.?key/i)
  const told = await startReplica(generateKeyText())
  expect(told.join('\n')).toMatch(/web.?key/i)
})

test('replicas whose keys are changed one after the other, as documented, say nothing', async () => {
  const [old, next] = [generateKeyText(), generateKeyText()]
  await redisCommands(redis.port, [['FLUSHALL']])
  const told = [await startReplica(old), await startReplica(old, [next]), await startReplica(next, [old])].flat()
  expect(told.join('\n')).not.toMatch(/web.?key/i)
  expect((await redisCommands(redis.port, [['ZRANGE', 'mcp-vault:web-keys', '0', '-1']])).join('\n')).not.toContain(
    next,
  )
})

test('doctor tells whether its environment has the keys that replicas use', async () => {
  await redisCommands(redis.port, [['FLUSHALL']])
  const [used, other] = [generateKeyText(), generateKeyText()]
  const store = redisPendingStore({ redis: redisConnection({ url: `redis://127.0.0.1:${redis.port}` }) })
  onTestFinished(() => store.shutdown())
  const result = async (environment: NodeJS.ProcessEnv) =>
    (await checkKeysOfReplicas({ environment }, undefined, store)).map((check) => check.result)
  expect(await result({ MCP_WEB_KEY: used })).toEqual(['skipped'])
  await startReplica(used)
  expect(await result({ MCP_WEB_KEY: used })).toEqual(['ok'])
  expect(await result({ MCP_WEB_KEY: other })).toEqual(['wrong'])
  expect(await result({ MCP_WEB_KEY: other, MCP_WEB_KEY_ACCEPTED: used })).toEqual(['ok'])
})

const idOf = (key: string) => keyId(parseKey(key, 'the test'))

test('the warning and doctor name both keys by the ids that "keygen --id" prints, and what to do', async () => {
  await redisCommands(redis.port, [['FLUSHALL']])
  const [used, other] = [generateKeyText(), generateKeyText()]
  await startReplica(used)
  const told = (await startReplica(other)).join('\n')
  expect(told).toMatch(new RegExp(`uses the web key ${idOf(used)} \\(last seen \\d+ s ago\\)`))
  expect(told).toMatch(
    new RegExp(`This one uses ${idOf(other)}.*MCP_WEB_KEY_FILE.*keygen --id.*MCP_WEB_KEY_ACCEPTED_FILE`),
  )
  expect(told).not.toContain(used)
  const [check] = await checkKeysOfReplicas({ environment: { MCP_WEB_KEY: other } }, undefined, openStore())
  expect(check).toMatchObject({
    result: 'wrong',
    detail: expect.stringMatching(
      new RegExp(
        `uses the web key ${idOf(used)} \\(last.*This environment has ${idOf(other)}.*after \\d\\d:\\d\\d:\\d\\d UTC`,
      ),
    ),
  })
})

test('a replica that ends in order leaves no key behind, and the others stay', async () => {
  await redisCommands(redis.port, [['FLUSHALL']])
  const [used, other] = [generateKeyText(), generateKeyText()]
  const inUse = async () => ((await openStore().webKeysInUse?.()) ?? []).map(({ id }) => id).sort()
  const [first, second] = [await openReplica(used), await openReplica(used)]
  const third = await openReplica(other)
  expect(await inUse()).toEqual([idOf(used), idOf(other)].sort())
  await third.close()
  expect(await inUse()).toEqual([idOf(used)])
  await first.close()
  expect(await inUse()).toEqual([idOf(used)])
  await second.close()
  expect(await inUse()).toEqual([])
})

test('doctor tells a server that was killed from one that runs, and until when it counts', async () => {
  await redisCommands(redis.port, [['FLUSHALL']])
  const [used, other] = [generateKeyText(), generateKeyText()]
  // A server said so 100 seconds ago, and not since.
  const countsUntil = Date.now() + 80_000
  await redisCommands(redis.port, [['ZADD', 'mcp-vault:web-keys', String(countsUntil), `${idOf(used)}:01234567`]])
  const [check] = await checkKeysOfReplicas({ environment: { MCP_WEB_KEY: other } }, undefined, openStore())
  const time = new Date(countsUntil).toISOString().slice(11, 16)
  expect(check).toMatchObject({
    result: 'warning',
    detail: expect.stringMatching(
      new RegExp(`${idOf(used)} \\(last seen 1\\d\\d s ago\\) is silent.*Run doctor again after ${time}`),
    ),
  })
})
