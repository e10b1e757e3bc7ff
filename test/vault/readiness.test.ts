import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Koa from 'koa'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { jsonLinesAudit } from '../../src/audit/json-lines.ts'
import { memoryAudit } from '../../src/audit/memory.ts'
import { vaultBackend } from '../../src/backends/hashicorp-vault/hashicorp-vault.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { sealedEnvelope } from '../../src/backends/sealed-envelope/sealed-envelope.ts'
import { sealedFile } from '../../src/backends/sealed-file/sealed-file.ts'
import { generateKeyText, parseKey } from '../../src/core/crypto/key-text.ts'
import { CredentialVaultError } from '../../src/core/model/errors.ts'
import type { PendingStore } from '../../src/core/ports/pending-store.ts'
import { oidc } from '../../src/identity/oidc.ts'
import { memoryPendingStore } from '../../src/pending/memory-pending-store.ts'
import type { CredentialVault } from '../../src/vault/credential-vault.ts'
import { openVault } from '../../src/vault/open-vault.ts'
import type { OpenVaultOptions } from '../../src/vault/parts/open-vault-options.ts'
import { CredentialsProvider } from '../../src/vault/provider/credentials-provider.ts'
import { advanceClock } from '../harness/advance-clock.ts'
import { startFaultProxy } from '../harness/fault-proxy.ts'
import { type OpenBao, ROOT_TOKEN, startOpenBao } from '../harness/hashicorp-vault/open-bao.ts'
import { startVaultProxy, type VaultProxy } from '../harness/hashicorp-vault/vault-proxy.ts'
import { metadataOf, startFakeIssuer } from '../harness/identity/fake-issuer.ts'
import { compiled } from '../harness/processes/compile-module.ts'
import { startRedisNode } from '../harness/redis/redis-server.ts'
import { namespace } from '../harness/sealed-file/full-disk.ts'
import { sealedFolder, temporaryFolder } from '../harness/sealed-file/sealed-folder.ts'

/** Longer than any answer of a part counts. */
const LATER = 60_000

interface Served {
  readonly vault: CredentialVault
  readonly url: string
  readonly warnings: readonly string[]
  readyz(): Promise<{ readonly status: number; readonly body: unknown }>
}

async function serve(options: Partial<OpenVaultOptions>, mount: 'koa' | 'node' = 'koa'): Promise<Served> {
  const warnings: string[] = []
  const vault = await openVault({
    serverBaseUrl: 'http://localhost:8005',
    backend: memoryBackend(),
    audit: memoryAudit(),
    warn: (message) => warnings.push(message),
    ...options,
  })
  new CredentialsProvider({ vault, name: 'jira', variables: { pat: { label: 'Token', type: 'password' } } })
  const server = mount === 'node' ? createServer(vault.healthRoutes().nodeHandler()) : koaServer(vault)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await vault.close().catch(() => {})
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    vault,
    url,
    warnings,
    async readyz() {
      advanceClock(LATER)
      const answer = await fetch(`${url}/readyz`)
      return { status: answer.status, body: (await answer.json()) as unknown }
    },
  }
}

function koaServer(vault: CredentialVault): Server {
  const app = new Koa()
  app.use(vault.healthRoutes().routes)
  vault.register(app)
  return createServer(app.callback())
}

const READY = { status: 200, body: { status: 'ready' } }
const notReady = (problems: Readonly<Record<string, string>>) => ({
  status: 503,
  body: { status: 'not_ready', problems },
})

describe('the store', () => {
  let bao: OpenBao
  let proxy: VaultProxy
  beforeAll(async () => {
    bao = await startOpenBao()
    proxy = await startVaultProxy(bao.address)
  })
  afterAll(async () => {
    await proxy.close()
    await bao.stop()
  })

  test('Vault away, sealed or hanging is named by its code, without any call of a tool', async () => {
    const mount = await bao.newMount()
    const backend = vaultBackend({
      address: proxy.endpoint,
      auth: { method: 'token', token: ROOT_TOKEN },
      mount,
      warn: () => {},
    })
    const { readyz, vault } = await serve({ backend, webKey: generateKeyText() })
    expect(await readyz()).toEqual(READY)
    proxy.fault('sealed')
    expect(await readyz()).toEqual(notReady({ backend: 'sealed' }))
    proxy.fault('hanging')
    expect(await readyz()).toEqual(notReady({ backend: 'timeout' }))
    proxy.fault('none')
    await proxy.down()
    await expect.poll(readyz, { timeout: 20_000 }).toEqual(notReady({ backend: 'connection' }))
    expect(vault.problems().get('backend')).toBe('connection')
    await proxy.up()
    await expect.poll(readyz, { timeout: 20_000 }).toEqual(READY)
    expect(vault.problems().size).toBe(0)
  })

  test('is asked at most once in five seconds, below the name of a provider, whoever floods it', async () => {
    const mount = await bao.newMount()
    const backend = vaultBackend({
      address: proxy.endpoint,
      auth: { method: 'token', token: ROOT_TOKEN },
      mount,
      warn: () => {},
    })
    const { url, readyz } = await serve({ backend, webKey: generateKeyText() })
    proxy.requests.length = 0
    expect(await readyz()).toEqual(READY)
    // The machine may need longer than that for all of these.
    const stopped = performance.now()
    const clock = vi.spyOn(performance, 'now').mockReturnValue(stopped)
    onTestFinished(() => clock.mockRestore())
    const one = proxy.requests.length
    expect(one).toBeGreaterThan(0)
    expect(proxy.requests.every(({ url: path }) => path.includes('/mcp/jira/'))).toBe(true)
    for (let round = 0; round < 10; round += 1)
      await Promise.all(Array.from({ length: 20 }, () => fetch(`${url}/readyz`).then((answer) => answer.text())))
    expect(proxy.requests).toHaveLength(one)
    clock.mockReturnValue(stopped + 5_001)
    await Promise.all(Array.from({ length: 20 }, () => fetch(`${url}/readyz`).then((answer) => answer.text())))
    expect(proxy.requests).toHaveLength(2 * one)
  })
})

/** A memory store that needs a real Redis for its lookups, as a shared one does. */
async function overRedis(url: string): Promise<PendingStore> {
  const client = createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy: 50 } })
  client.on('error', () => {})
  await client.connect()
  onTestFinished(() => client.destroy())
  const memory = memoryPendingStore()
  return {
    ...memory,
    shared: true,
    async get(key) {
      try {
        await client.get(key)
      } catch {
        throw new CredentialVaultError('unavailable', 'Redis does not answer.', { reason: 'connection' })
      }
      return memory.get(key)
    },
  }
}

test('a pending store whose Redis is away is named, and nothing else', async () => {
  const redis = await startRedisNode()
  onTestFinished(() => redis.remove())
  const pendingStore = await overRedis(`redis://127.0.0.1:${redis.port}`)
  const { readyz, vault } = await serve({ pendingStore, webKey: generateKeyText() })
  expect(await readyz()).toEqual(READY)
  await redis.stop()
  await expect.poll(readyz).toEqual(notReady({ 'pending-store': 'connection' }))
  expect([...vault.problems()]).toEqual([['pending-store', 'connection']])
})

test('an audit log that fails makes it not ready, and it recovers without any traffic', async () => {
  const memory = memoryAudit()
  let isFull = false
  const audit = {
    ...memory,
    append: async (event: Parameters<typeof memory.append>[0]) => {
      if (isFull) throw new CredentialVaultError('audit_unavailable', 'The disk is full.', { reason: 'disk_full' })
      return memory.append(event)
    },
  }
  const { readyz, vault } = await serve({ audit })
  expect(await readyz()).toEqual(READY)
  isFull = true
  await vault.endSessions({ issuer: 'local-user', subject: 'alice' })
  expect(await readyz()).toEqual(notReady({ audit: 'disk_full' }))
  isFull = false
  expect(await readyz()).toEqual(READY)
  expect(memory.events.map(({ type, backend }) => [type, backend])).toEqual([
    ['login.ended', undefined],
    ['backend.recovered', 'audit'],
  ])
  expect(await readyz()).toEqual(READY)
  expect(memory.events).toHaveLength(2)
})

test('an audit log whose folder is gone makes it not ready before a line fails, and no line is written to find out', async () => {
  const folder = join(await temporaryFolder(), 'audit')
  const { readyz, vault, warnings } = await serve({ audit: jsonLinesAudit({ folder, warn: () => {} }) })
  const lines = () => readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8').split('\n').length)
  expect(await readyz()).toEqual(READY)
  const before = lines()
  renameSync(folder, `${folder}-away`)
  // The log would make the folder again.
  writeFileSync(folder, '')
  expect(await readyz()).toEqual(notReady({ audit: 'write_failed' }))
  expect(await readyz()).toEqual(notReady({ audit: 'write_failed' }))
  expect([...vault.problems()]).toEqual([])
  expect(warnings.filter((warning) => warning.includes(folder))).toHaveLength(1)
  rmSync(folder)
  renameSync(`${folder}-away`, folder)
  expect(await readyz()).toEqual(READY)
  expect(await readyz()).toEqual(READY)
  expect(warnings.filter((warning) => warning.includes('the audit log can take lines again'))).toHaveLength(1)
  expect(lines()).toEqual(before)
})

// Where nothing may be mounted, no disk is small, and root may write anywhere.
test.each(namespace ? ['a disk of its own'] : [])('the audit log on %s: nearly full, and read-only', async () => {
  const disk = await temporaryFolder()
  const script = 'mount -t tmpfs -o mode=0700,size=4m tmpfs "$1"; shift; exec "$@"'
  const command = [process.execPath, compiled(join(import.meta.dirname, '../harness/audit-folder-checks.ts')), disk]
  const { stdout, stderr } = spawnSync('unshare', [...(namespace ?? []), 'sh', '-c', script, 'sh', disk, ...command], {
    encoding: 'utf8',
  })
  expect(stdout, stderr).toBe('ready\ndisk_full\nready\nread_only\n')
})

test('an identity provider that is away is named until it is back, and is asked at most twice a minute', async () => {
  const real = await startFakeIssuer((issuer) => ({
    '/.well-known/openid-configuration': { body: metadataOf(proxy?.endpoint ?? issuer) },
    '/jwks': { body: { keys: [] } },
  }))
  onTestFinished(() => real.close())
  const proxy: Awaited<ReturnType<typeof startFaultProxy>> = await startFaultProxy({
    target: real.issuer,
    faultFor: () => 'none',
  })
  onTestFinished(() => proxy.close())
  const { readyz, url, vault } = await serve({ identity: oidc({ issuer: proxy.endpoint, clientId: 'form' }) })
  expect(await readyz()).toEqual(READY)
  const asked = real.requests.length
  advanceClock(29_000)
  await fetch(`${url}/readyz`)
  expect(real.requests).toHaveLength(asked)
  await proxy.down()
  expect(await readyz()).toEqual(notReady({ identity: 'issuer_connection' }))
  expect([...vault.problems()]).toEqual([['identity', 'issuer_connection']])
  await proxy.up()
  expect(await readyz()).toEqual(READY)
  expect(vault.problems().size).toBe(0)
})

test('of several identity providers one has to answer', async () => {
  const answers = (issuer: string) => ({
    '/.well-known/openid-configuration': { body: metadataOf(issuer) },
    '/jwks': { body: { keys: [] } },
  })
  const [one, other] = await Promise.all([startFakeIssuer(answers), startFakeIssuer(answers)])
  onTestFinished(async () => void (await Promise.all([one.close(), other.close()])))
  const audience = 'https://mcp.example.com'
  const { readyz } = await serve({
    identity: [one, other].map(({ issuer }, index) =>
      oidc({ issuer, clientId: 'form', audience, displayName: `Provider ${index}` }),
    ),
  })
  expect(await readyz()).toEqual(READY)
  await one.close()
  expect(await readyz()).toEqual(READY)
  await other.close()
  expect(await readyz()).toEqual(notReady({ identity: 'issuer_connection' }))
})

test('a store whose newest key another key locks is named, since nothing can be saved', async () => {
  const store = await sealedFolder()
  const { readyz } = await serve({ backend: sealedFile({ folder: store.folder, key: store.key, warn: () => {} }) })
  expect(await readyz()).toEqual(READY)
  const { signal } = new AbortController()
  const other = await store.open()
  const key = generateKeyText()
  await other.storeKeys?.rewrap(parseKey(key, 'a test'), signal)
  // This process holds every key of the store.
  expect(await readyz()).toEqual(READY)
  const later = await store.open({ key })
  await later.storeKeys?.rotate(signal)
  expect(await readyz()).toEqual(notReady({ keys: 'key_wrong' }))
})

test('an envelope with accepted keys is ready, and shows the keys of the store below it', async () => {
  const store = await sealedFolder()
  const backend = sealedEnvelope(sealedFile({ folder: store.folder, key: store.key, warn: () => {} }), {
    key: generateKeyText(),
    acceptedKeys: [generateKeyText()],
    warn: () => {},
  })
  const { readyz } = await serve({ backend, webKey: generateKeyText(), acceptedWebKeys: [generateKeyText()] })
  expect(await readyz()).toEqual(READY)
  const key = generateKeyText()
  const { signal } = new AbortController()
  await (await store.open()).storeKeys?.rewrap(parseKey(key, 'a test'), signal)
  await (await store.open({ key })).storeKeys?.rotate(signal)
  expect(await readyz()).toEqual(notReady({ keys: 'key_wrong' }))
})

test.each(['koa', 'node'] as const)('on %s the routes answer GET and HEAD, and say nothing more', async (mount) => {
  const { url } = await serve({}, mount)
  const live = await fetch(`${url}/healthz`)
  expect([live.status, live.headers.get('cache-control'), await live.text()]).toEqual([
    200,
    'no-store',
    '{"status":"ok"}',
  ])
  for (const path of ['/healthz', '/readyz']) {
    expect((await fetch(url + path, { method: 'HEAD' })).status).toBe(200)
    const posted = await fetch(url + path, { method: 'POST', body: 'x' })
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  }
  expect((await fetch(`${url}/readyz/x`)).status).toBe(404)
})

test('below a path of its own, and beside other routes', async () => {
  const { vault } = await serve({})
  const handler = vault.healthRoutes({ below: '/vault' }).nodeHandler()
  const server = createServer((request, response) =>
    handler(request, response, () => void response.writeHead(418).end()),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const statuses = ['/vault/healthz', '/vault/readyz', '/healthz'].map(async (path) => (await fetch(url + path)).status)
  expect(await Promise.all(statuses)).toEqual([200, 200, 418])
  expect(() => vault.healthRoutes({ below: 'vault' })).toThrow('healthRoutes.below')
})
