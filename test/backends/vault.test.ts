import { afterAll, beforeAll, test } from 'vitest'
import { type VaultOptions, vaultBackend } from '../../src/backends/vault.ts'
import { describeSecretBackend } from '../../src/testing/secret-backend-suite.ts'
import { type OpenBao, ROOT_TOKEN, startOpenBao } from '../support/open-bao.ts'

let bao: OpenBao

beforeAll(async () => {
  bao = await startOpenBao()
}, 60_000)
afterAll(() => bao.stop())

describeSecretBackend({
  test,
  async makeHarness() {
    const options: VaultOptions = {
      address: bao.address,
      auth: { method: 'token', token: ROOT_TOKEN },
      mount: await bao.newMount(),
    }
    const opened: ReturnType<typeof vaultBackend>[] = []
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
      close: async () => void (await Promise.all(opened.map((backend) => backend.close()))),
    }
  },
})
