import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { memoryAudit } from '../../src/audit/memory.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { sealedFile } from '../../src/backends/sealed-file/sealed-file.ts'
import { revoke } from '../../src/cli/credentials/revoke.ts'
import { doctor } from '../../src/cli/doctor/doctor.ts'
import { runCommand } from '../../src/cli/terminal/command.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { createSealer } from '../../src/core/crypto/seal.ts'
import { CHANGE_PURPOSES, createSharedChanges } from '../../src/core/lifecycle/shared-changes.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import { newEntry } from '../../src/testing/pending-store/entries.ts'
import { put } from '../../src/testing/secret-backend/calls.ts'
import { createStores } from '../../src/vault/environment/create-stores.ts'
import { openVault } from '../../src/vault/open-vault.ts'
import { ROOT_TOKEN, startOpenBao } from '../harness/hashicorp-vault/open-bao.ts'
import { type RedisNode, startRedisNode } from '../harness/redis/redis-server.ts'

const PASSWORD = 'correct horse battery'

let redis: RedisNode
let folder: string
let environment: NodeJS.ProcessEnv
beforeAll(async () => {
  redis = await startRedisNode({ config: [`requirepass "${PASSWORD}"`] })
  folder = mkdtempSync(join(tmpdir(), 'redis-environment-'))
  writeFileSync(join(folder, 'password'), `${PASSWORD}\n`)
  environment = {
    MCP_VAULT_BACKEND: 'memory',
    MCP_AUDIT_FOLDER: join(folder, 'audit'),
    MCP_REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    MCP_REDIS_PASSWORD_FILE: join(folder, 'password'),
  }
})
afterAll(async () => {
  await redis.remove()
  rmSync(folder, { recursive: true })
})

test('a variable of Redis puts requests and sign-outs into Redis', async () => {
  const [here, there] = [createStores(environment), createStores({ ...environment, MCP_PENDING_STORE: 'redis' })]
  const entry = await here.pendingStore.openOrReuse(newEntry())
  expect((await there.pendingStore.get(entry.key))?.sealed).toBe(entry.sealed)
  await here.browserSessions.end('a', Date.now() + 60_000)
  expect(await there.browserSessions.isEnded({ id: 'a', owner: 'ann', startedAt: Date.now() })).toBe(true)
  for (const { pendingStore, browserSessions } of [here, there]) {
    await pendingStore.shutdown()
    await browserSessions.close?.()
  }
})

describe('an operator who mistypes is told the variable', () => {
  test.each<[string, NodeJS.ProcessEnv, string | RegExp]>([
    ['memory beside Redis', { MCP_PENDING_STORE: 'memory' }, 'environment.MCP_PENDING_STORE: it is memory'],
    [
      'no Redis',
      { MCP_REDIS_URL: '', MCP_REDIS_PASSWORD_FILE: '', MCP_PENDING_STORE: 'redis' },
      /environment\.MCP_REDIS_URL: .*each name the server\. Set exactly one/,
    ],
    [
      'another scheme',
      { MCP_REDIS_URL: 'http://127.0.0.1' },
      'environment.MCP_REDIS_URL: must be a redis:// or rediss:// URL',
    ],
    [
      'no scheme, with TLS beside it',
      { MCP_REDIS_URL: '127.0.0.1:18379', MCP_REDIS_CA_FILE: '/ca.pem' },
      /^environment\.MCP_REDIS_URL: must be a redis:\/\/ or rediss:\/\/ URL with a host and at most a database number as path\. Correct it\.$/,
    ],
    [
      'no scheme, and no TLS',
      { MCP_REDIS_URL: 'redis.example.com:18379' },
      /^environment\.MCP_REDIS_URL: must be a redis:\/\/ or rediss:\/\/ URL with a host and at most a database number as path\. Correct it\.$/,
    ],
    ['no scheme', { MCP_REDIS_URL: 'redis' }, 'environment.MCP_REDIS_URL: must be a redis:// or rediss:// URL'],
    [
      'two kinds',
      { MCP_REDIS_CLUSTER_NODES: '127.0.0.1:7000' },
      /environment\.MCP_REDIS_URL: .*each name the server\. Set exactly one/,
    ],
    [
      'a node without a port',
      { MCP_REDIS_URL: '', MCP_REDIS_CLUSTER_NODES: 'redis-0' },
      'environment.MCP_REDIS_CLUSTER_NODES',
    ],
    [
      'half of Sentinel',
      { MCP_REDIS_URL: '', MCP_REDIS_SENTINEL_NAME: 'vault' },
      'environment.MCP_REDIS_SENTINEL_NODES',
    ],
    [
      'a remote server without TLS',
      { MCP_REDIS_URL: 'redis://redis.example.com' },
      'environment.MCP_REDIS_URL: without TLS',
    ],
    [
      'TLS files with a plain URL',
      { MCP_REDIS_CA_FILE: '/ca.pem' },
      'environment.MCP_REDIS_TLS: it needs a rediss:// URL',
    ],
    [
      'two logins',
      { MCP_REDIS_URL: 'redis://mcp:secret-in-url@127.0.0.1' },
      'environment.MCP_REDIS_URL: it holds a login',
    ],
    ['a prefix with braces', { MCP_REDIS_PREFIX: '{a}' }, 'environment.MCP_REDIS_PREFIX'],
  ])('%s', (_, change, problem) => {
    const make = () => createStores({ ...environment, ...change })
    expect(make).toThrow(problem)
    expect(make).not.toThrow('secret-in-url')
  })

  test('a vault with Redis and no web key does not open', async () => {
    const { pendingStore, browserSessions } = createStores(environment)
    const opening = openVault({
      serverBaseUrl: 'http://localhost:1234',
      backend: memoryBackend(),
      audit: memoryAudit(),
      pendingStore,
      browserSessions,
    })
    await expect(opening).rejects.toMatchObject({ reason: 'web_key_missing' })
  })

  test('a vault whose Redis has another password does not open', async () => {
    const stores = createStores({ ...environment, MCP_REDIS_PASSWORD_FILE: '', MCP_REDIS_PASSWORD: 'wrong' })
    const { pendingStore, browserSessions } = stores
    const opening = openVault({
      serverBaseUrl: 'http://localhost:1234',
      backend: memoryBackend(),
      audit: memoryAudit(),
      webKey: generateKeyText(),
      pendingStore,
      browserSessions,
    })
    await expect(opening).rejects.toMatchObject({ code: 'unauthenticated', reason: 'redis_login' })
  })

  test.each<[string, NodeJS.ProcessEnv]>([
    ['MCP_REDIS_PASSWORD_FILE', {}],
    [
      'MCP_REDIS_SENTINEL_PASSWORD_FILE',
      { MCP_REDIS_URL: '', MCP_REDIS_SENTINEL_NAME: 'vault', MCP_REDIS_SENTINEL_NODES: '127.0.0.1:1' },
    ],
    ['MCP_REDIS_CA_FILE', { MCP_REDIS_URL: 'rediss://127.0.0.1:1' }],
  ])('a missing file of %s is named in the error and in the warning', async (variable, change) => {
    const warned = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    onTestFinished(() => warned.mockRestore())
    const missing = join(folder, 'missing.pem')
    const { pendingStore } = createStores({ ...environment, ...change, [variable]: missing })
    const problem = `environment.${variable} (${missing}): the file cannot be read. Check that it exists, and that this user may read it.`
    await expect(pendingStore.open?.()).rejects.toMatchObject({ code: 'configuration_invalid', message: problem })
    expect(warned.mock.calls.join('')).toContain(problem)
    await pendingStore.shutdown()
  })
})

test('a command that revokes tells running servers at once, through the Redis and the key of the environment', async () => {
  const store = { folder: join(folder, 'sealed'), key: generateKeyText() }
  const owner = { issuer: 'https://login.example.com', subject: 'alice' }
  const key = storageKey('jira', owner)
  const backend = sealedFile(store)
  await backend.open()
  await put(backend, key, { pat: 'x' })
  const server = createStores(environment)
  const webKey = backend.deriveKey?.('web') ?? expect.fail('the sealed file derives a web key')
  const changes = createSharedChanges(server.changeFeed, createSealer(webKey, CHANGE_PURPOSES))
  const forgotten: string[] = []
  await changes.listen({ forget: ({ path }) => forgotten.push(path), forgetAll: () => undefined, cut: () => undefined })
  const code = await runCommand(revoke, ['jira', '--issuer', owner.issuer, '--subject', owner.subject], {
    out: () => undefined,
    error: () => undefined,
    environment: { ...environment, MCP_VAULT_BACKEND: '', MCP_VAULT_FOLDER: store.folder, MCP_VAULT_KEY: store.key },
    readSecret: async () => '',
  })
  expect(code).toBe(0)
  await expect.poll(() => forgotten).toContain(key.path)
  await changes.close()
  await server.pendingStore.shutdown()
  await server.browserSessions.close?.()
  await backend.close()
})

test('what a command says of caches is true with Redis and without', async () => {
  const bao = await startOpenBao()
  onTestFinished(() => bao.stop())
  const owner = { issuer: 'https://login.example.com', subject: 'alice' }
  const vault = {
    MCP_VAULT_BACKEND: 'vault',
    VAULT_ADDR: bao.address,
    VAULT_TOKEN: ROOT_TOKEN,
    VAULT_KV_MOUNT: await bao.newMount(),
    MCP_WEB_KEY: generateKeyText(),
    MCP_AUDIT_FOLDER: join(folder, 'audit-of-caches'),
  }
  async function revoked(change: NodeJS.ProcessEnv): Promise<string> {
    const { backend, pendingStore } = createStores(vault)
    await backend.open()
    await put(backend, storageKey('jira', owner), { pat: 'x' })
    await backend.close()
    await pendingStore.shutdown()
    let out = ''
    await runCommand(revoke, ['jira', '--issuer', owner.issuer, '--subject', owner.subject], {
      out: (text) => {
        out += text
      },
      error: () => undefined,
      environment: { ...vault, ...change },
      readSecret: async () => '',
    })
    return out
  }
  const shared = await revoked(redisOnly(environment))
  expect(shared).toContain(
    'Running servers are told through Redis, and drop the old value at once. One that Redis does',
  )
  expect(await revoked({})).toContain('Running servers may use the old value for up to 30 seconds more')
})

const redisOnly = ({ MCP_REDIS_URL, MCP_REDIS_PASSWORD_FILE }: NodeJS.ProcessEnv) => ({
  MCP_REDIS_URL,
  MCP_REDIS_PASSWORD_FILE,
})

describe('doctor', () => {
  async function run(change: NodeJS.ProcessEnv) {
    let out = ''
    const code = await runCommand(doctor, [], {
      out: (text) => {
        out += text
      },
      error: () => undefined,
      environment: { ...environment, MCP_AUDIT_FOLDER: join(folder, 'audit-of-doctor'), ...change },
      readSecret: async () => '',
    })
    return { code, out }
  }

  test('finds nothing wrong with a good Redis', async () => {
    const { code, out } = await run({})
    expect(out).toContain('ok       the store that replicas share can be used')
    expect(out).toContain('ok       open requests and sign-outs reach other replicas')
    expect(code).toBe(0)
  })

  test('refuses one that may drop keys', async () => {
    const evicting = await startRedisNode({ config: ['maxmemory-policy allkeys-lru'] })
    const { code, out } = await run({
      MCP_REDIS_URL: `redis://127.0.0.1:${evicting.port}`,
      MCP_REDIS_PASSWORD_FILE: '',
    })
    expect(out).toMatch(/^WRONG {4}the store that replicas share can be used .*noeviction/m)
    expect(code).toBe(1)
    await evicting.remove()
  })
})
