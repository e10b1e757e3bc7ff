import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type HashicorpVaultOptions, vaultBackend } from '../../../src/backends/hashicorp-vault/hashicorp-vault.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'
import { describeSecretBackend } from '../../../src/testing/secret-backend/suite.ts'
import { hashicorpOperator } from '../../harness/hashicorp-vault/hashicorp-operator.ts'
import { type OpenBao, ROOT_TOKEN, startOpenBao } from '../../harness/hashicorp-vault/open-bao.ts'
import { startVaultProxy, type VaultProxy } from '../../harness/hashicorp-vault/vault-proxy.ts'

/** Backends with the same options, opened as they are asked for and closed together. */
function connections(options: HashicorpVaultOptions) {
  const opened: SecretBackend[] = []
  return {
    connect: async () => {
      const backend = vaultBackend({ warn: () => undefined, ...options })
      await backend.open()
      opened.push(backend)
      return backend
    },
    close: async () => void (await Promise.all(opened.map((backend) => backend.close()))),
  }
}

describe('behind a network that fails', () => {
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

  describeSecretBackend({
    test,
    faults: ['down', 'hanging', 'dripping', 'reset', 'lost', 'html', 'failing', 'throttled', 'denied', 'sealed'],
    async makeHarness() {
      const mount = await bao.newMount()
      const { connect, close } = connections({
        address: proxy.endpoint,
        auth: { method: 'token', token: ROOT_TOKEN },
        mount,
      })
      return {
        here: await connect(),
        there: await connect(),
        reconnect: connect,
        vendor: hashicorpOperator(bao, mount),
        async fault(fault) {
          if (fault === 'down') return proxy.down()
          if (fault === 'none') await proxy.up().catch(() => undefined)
          proxy.fault(fault)
        },
        beforeChange: proxy.beforeChange,
        close,
      }
    },
  })
})

describe('over TLS, in a namespace, with hashed names', () => {
  let bao: OpenBao

  beforeAll(async () => {
    bao = await startOpenBao({ tls: true })
    await bao.api('POST', 'sys/namespaces/team1')
  })
  afterAll(() => bao.stop())

  const inTeam: OpenBao['api'] = (method, path, body) => bao.api(method, path, body, { namespace: 'team1' })

  async function makeHarness() {
    const mount = `kv-${randomUUID().slice(0, 8)}`
    await inTeam('POST', `sys/mounts/${mount}`, { type: 'kv', options: { version: '2' } })
    await expect.poll(async () => (await inTeam('GET', `${mount}/config`).catch(() => undefined))?.status).toBe(200)
    const { connect, close } = connections({
      address: bao.address,
      tls: { caFile: `${bao.folder}/vault-ca.pem` },
      auth: { method: 'token', token: ROOT_TOKEN },
      namespace: 'team1',
      // The root token belongs to the root namespace, where it is looked up.
      authNamespace: 'root',
      names: 'hashed',
      mount,
    })
    const vendor = hashicorpOperator({ api: inTeam }, mount, 'mcp', 'hashed')
    return { here: await connect(), there: await connect(), reconnect: connect, vendor, close }
  }

  describeSecretBackend({ test, makeHarness })

  test('nothing in the paths names a person or an issuer', async () => {
    const { here, close } = await makeHarness()
    const key = storageKey('jira', { issuer: 'https://login.example.com', subject: 'alice' })
    await put(here, key, { pat: 'x' })
    expect(here.locate(key)).toMatch(/^kv-\w+\/mcp\/jira\/_h[a-z2-7]{52}\/_h[a-z2-7]{52} \(namespace team1\)$/)
    const owners: unknown[] = []
    for await (const stored of here.list(call())) owners.push(stored.key.owner)
    expect(owners).toEqual([key.owner])
    await close()
  })
})
