import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type HashicorpVaultAuthOptions,
  type HashicorpVaultOptions,
  vaultBackend,
} from '../../../src/backends/hashicorp-vault/hashicorp-vault.ts'
import { vendorName } from '../../../src/backends/vendor/vendor-name.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { call, put, remove, statusOfAll, valuesOf } from '../../../src/testing/secret-backend/calls.ts'
import { jsonAnswer } from '../../harness/fault-proxy.ts'
import { type OpenBao, ROOT_TOKEN, startOpenBao } from '../../harness/hashicorp-vault/open-bao.ts'
import { startVaultProxy, type VaultProxy } from '../../harness/hashicorp-vault/vault-proxy.ts'
import { rejectionOf } from '../../harness/thrown-error.ts'

/** Every method of node-vault that was called. */
const called = vi.hoisted(() => ({ methods: [] as string[] }))

vi.mock('node-vault', async (original) => {
  const { default: nodeVault } = await original<{ default: (options: object) => object }>()
  return {
    default: (options: object) =>
      new Proxy(nodeVault(options), {
        get(target, name) {
          const member: unknown = Reflect.get(target, name)
          if (typeof member !== 'function') return member
          return (...parameters: unknown[]) => {
            called.methods.push(String(name))
            return Reflect.apply(member, target, parameters)
          }
        },
      }),
  }
})

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
beforeEach(() => {
  called.methods.length = 0
  proxy.requests.length = 0
  proxy.fault('none')
  proxy.answer(undefined)
})

const ISSUER = 'https://login.example.com'
const keyOf = (subject: string) => storageKey('jira', { issuer: ISSUER, subject })
const ALICE = keyOf('alice')

async function opened(given: Partial<HashicorpVaultOptions> = {}) {
  const backend = vaultBackend({
    address: proxy.endpoint,
    auth: { method: 'token', token: ROOT_TOKEN },
    mount: await bao.newMount(),
    warn: () => undefined,
    ...given,
  })
  await backend.open()
  return backend
}

/** A role whose tokens may do everything, and last as long as a server's default lets them. */
async function appRole(): Promise<HashicorpVaultAuthOptions> {
  const name = `role-${crypto.randomUUID().slice(0, 8)}`
  await bao.api('POST', 'sys/auth/approle', { type: 'approle' }).catch(() => undefined)
  const policy = 'path "*" { capabilities = ["create", "read", "update", "patch", "delete", "list"] }'
  await bao.api('PUT', `sys/policies/acl/${name}`, { policy })
  await bao.api('POST', `auth/approle/role/${name}`, { token_policies: name })
  const { body: role } = await bao.api('GET', `auth/approle/role/${name}/role-id`)
  const { body: secret } = await bao.api('POST', `auth/approle/role/${name}/secret-id`)
  return { method: 'approle', roleId: role.data.role_id, secretId: secret.data.secret_id }
}

describe('of node-vault nothing but its request is used', () => {
  test('by a whole life of a credential, with login, renewal and revocation', async () => {
    const backend = await opened({ auth: await appRole() })
    await put(backend, ALICE, { pat: 'one' })
    await put(backend, ALICE, { pat: 'two' })
    await valuesOf(backend, ALICE)
    await backend.stat(ALICE, call())
    await backend.history?.(ALICE, call())
    await statusOfAll(backend)
    await remove(backend, ALICE)
    await remove(backend, ALICE, { purge: true })
    await backend.close()
    expect(new Set(called.methods)).toEqual(new Set(['request']))
    // Each of them arrived by our transport, which is the only one that marks requests so.
    expect(called.methods.length).toBe(proxy.requests.length)
    expect(proxy.requests.every(({ headers }) => headers['x-vault-request'] === 'true')).toBe(true)
    expect(proxy.requests.some(({ headers }) => /axios/.test(String(headers['user-agent'])))).toBe(false)
  })
})

describe('node-vault’s traps', () => {
  test('N1: a token of 768 hours causes no request of its own', async () => {
    const backend = await opened({ auth: await appRole() })
    await put(backend, ALICE, { pat: 'one' })
    const before = proxy.requests.length
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(proxy.requests.length).toBe(before)
    await backend.close()
  })

  test('N2: two logins at once in one process keep their own tokens', async () => {
    const [read, write] = [await appRole(), await appRole()]
    const backend = await opened({ auth: { read, write } })
    proxy.requests.length = 0
    await Promise.all(
      Array.from({ length: 10 }, async (_, i) => {
        await put(backend, keyOf(`user ${i}`), { pat: `${i}` })
        await backend.read(keyOf(`user ${i}`), call())
      }),
    )
    const tokens = (method: string) =>
      new Set(
        proxy.requests
          .filter((request) => request.method === method && request.url.includes('/data/'))
          .map(({ headers }) => headers['x-vault-token']),
      )
    expect(tokens('GET').size).toBe(1)
    expect(tokens('POST').size).toBe(1)
    expect([...tokens('GET')]).not.toEqual([...tokens('POST')])
    await backend.close()
  })

  test('N3: a new token is used from the next request on', async () => {
    const backend = await opened({ auth: await appRole() })
    await put(backend, ALICE, { pat: 'one' })
    const tokens = () =>
      proxy.requests.filter(({ url }) => url.includes('/data/')).map((one) => one.headers['x-vault-token'])
    const first = tokens().at(-1)
    await bao.api('POST', 'auth/token/revoke', { token: first })
    await valuesOf(backend, ALICE)
    expect(tokens().at(-1)).not.toBe(first)
    const after = tokens().length
    await valuesOf(backend, ALICE)
    expect(tokens().slice(after)).toEqual([tokens().at(-1)])
    await backend.close()
  })

  test('N4: no error shows the token or the value, however it is printed', async () => {
    const token = (await bao.api('POST', 'auth/token/create', {})).body.auth.client_token as string
    const backend = await opened({ auth: { method: 'token', token } })
    for (const fault of ['reset', 'html', 'failing', 'denied', 'throttled', 'sealed'] as const) {
      proxy.fault(fault)
      const error = await rejectionOf(put(backend, ALICE, { pat: 'canary-of-traps' }))
      const printed = `${inspect(error, { depth: 9, showHidden: true })}${JSON.stringify(error)}${error.stack}${String(error)}`
      expect(printed).not.toContain('canary-of-traps')
      expect(printed).not.toContain(token)
      expect(error.cause).toBeUndefined()
    }
    await proxy.down()
    expect(inspect(await rejectionOf(put(backend, ALICE, { pat: 'x' })), { depth: 9 })).not.toContain(token)
    await proxy.up()
    await backend.close()
  })

  test('N8: a redirect takes neither token nor body to another host', async () => {
    const backend = await opened()
    const arrived: string[] = []
    const elsewhere = createServer((request, response) => {
      arrived.push(request.url ?? '')
      response.end('{}')
    })
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
    const location = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`
    for (const status of [301, 302, 307, 308]) {
      proxy.answer(() => jsonAnswer(status, {}, { location }))
      expect(await rejectionOf(put(backend, ALICE, { pat: 'x' }))).toMatchObject({ reason: 'redirect' })
    }
    elsewhere.close()
    expect(arrived).toEqual([])
    await backend.close()
  })

  test('N9 and N12: proxies and settings of the environment are not asked', async () => {
    const arrived: string[] = []
    const trap = createServer((request, response) => {
      arrived.push(request.url ?? '')
      response.end('{}')
    })
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve))
    const address = `http://127.0.0.1:${(trap.address() as AddressInfo).port}`
    for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'VAULT_ADDR']) vi.stubEnv(name, address)
    for (const name of ['VAULT_TOKEN', 'VAULT_NAMESPACE', 'VAULT_PREFIX']) vi.stubEnv(name, '/theirs')
    try {
      const backend = await opened()
      await put(backend, ALICE, { pat: 'one' })
      expect(arrived).toEqual([])
      expect(new Set(proxy.requests.map(({ headers }) => headers['x-vault-token']))).toEqual(new Set([ROOT_TOKEN]))
      expect(proxy.requests.every(({ url }) => url.startsWith('/v1/') && !url.includes('theirs'))).toBe(true)
      await backend.close()
    } finally {
      vi.unstubAllEnvs()
      trap.close()
    }
  })

  test('N11: VAULT_SKIP_VERIFY switches nothing off', async () => {
    const own = await startOpenBao({ tls: true })
    try {
      for (const value of ['false', '0', 'true', '1']) {
        vi.stubEnv('VAULT_SKIP_VERIFY', value)
        expect(await rejectionOf(opened({ address: own.address, mount: 'secret' }))).toMatchObject({ reason: 'tls' })
      }
    } finally {
      vi.unstubAllEnvs()
      await own.stop()
    }
  })

  test.each(['..', '../../sys', '%2e%2e', 'a?b', 'a#b', 'a\\b', "a=b'c&d", '{{path}}', '&#x2F;', '*', '+'])(
    'N13 and N14: the subject %j reads, writes and destroys its own path alone',
    async (subject) => {
      const mount = await bao.newMount()
      const backend = await opened({ mount })
      const neighbours = ['a', 'b', 'sys', 'path', 'alice']
      for (const other of neighbours) await put(backend, keyOf(other), { pat: other })
      const key = keyOf(subject)
      await put(backend, key, { pat: 'its own' })
      const { body } = await bao.api('GET', `${mount}/metadata/mcp/${vendorName(key, 'readable').path}`)
      expect(body.data.current_version).toBe(1)
      expect(await remove(backend, key)).toBe(true)
      expect((await backend.read(key, call())).status).toBe('revoked')
      for (const other of neighbours) expect(await valuesOf(backend, keyOf(other))).toEqual({ pat: other })
      expect(await remove(backend, key, { purge: true })).toBe(true)
      expect((await statusOfAll(backend)).size).toBe(neighbours.length)
      await backend.close()
    },
  )
})
