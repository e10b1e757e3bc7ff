import { afterAll, beforeAll, test } from 'vitest'
import { type VaultOptions, vaultBackend } from '../../src/backends/vault.ts'
import type { SecretBackend } from '../../src/core/secret-backend.ts'
import { describeSecretBackend } from '../../src/testing/secret-backend-suite.ts'
import { type OpenBao, ROOT_TOKEN, startOpenBao } from '../support/open-bao.ts'
import { vaultHands } from '../support/vault-hands.ts'
import { startVaultProxy, type VaultProxy } from '../support/vault-proxy.ts'

let bao: OpenBao
let proxy: VaultProxy

beforeAll(async () => {
  bao = await startOpenBao()
  proxy = await startVaultProxy(bao.address)
}, 60_000)
afterAll(async () => {
  await proxy.close()
  await bao.stop()
})

describeSecretBackend({
  test,
  faults: ['down', 'hanging', 'dripping', 'reset', 'lost', 'html', 'failing', 'throttled', 'denied', 'sealed'],
  async makeHarness() {
    const mount = await bao.newMount()
    const options: VaultOptions = {
      address: proxy.endpoint,
      auth: { method: 'token', token: ROOT_TOKEN },
      mount,
      warn: () => undefined,
    }
    const opened: SecretBackend[] = []
    const connect = async () => {
      const backend = vaultBackend(options)
      await backend.open()
      opened.push(backend)
      return backend
    }
    return {
      here: await connect(),
      there: await connect(),
      reconnect: connect,
      vendor: vaultHands(bao, mount),
      async fault(fault) {
        if (fault === 'down') return proxy.down()
        if (fault === 'none') await proxy.up().catch(() => undefined)
        proxy.fault(fault)
      },
      close: async () => void (await Promise.all(opened.map((backend) => backend.close()))),
    }
  },
})
