import { randomUUID } from 'node:crypto'
import { awsSecretsManagerBackend } from '../../src/backends/aws-secrets-manager/aws-secrets-manager.ts'
import { vaultBackend } from '../../src/backends/hashicorp-vault/hashicorp-vault.ts'
import { sealedFile } from '../../src/backends/sealed-file/sealed-file.ts'
import type { SecretBackend } from '../../src/core/ports/secret-backend.ts'
import { REGION, ROOT_KEYS, startAwsEmulator } from '../harness/aws/aws-emulator.ts'
import { type AwsFault, startAwsProxy } from '../harness/aws/aws-proxy.ts'
import { ROOT_TOKEN, startOpenBao } from '../harness/hashicorp-vault/open-bao.ts'
import { startVaultProxy, type VaultFault } from '../harness/hashicorp-vault/vault-proxy.ts'

/** A store that the canary's world keeps its secrets in, with a network in between that can fail. */
export interface CanaryStore {
  readonly backend: SecretBackend
  /** Every request of the backend meets this fault from now on. */
  fault(fault: string): Promise<void>
  close(): Promise<void>
}

export interface CanaryStorePlace {
  readonly dataFolder: string
  readonly keyFile: string
  readonly warn: (message: string) => void
}

export type OpenCanaryStore = (place: CanaryStorePlace) => Promise<CanaryStore>

export const sealedFileStore: OpenCanaryStore = async ({ dataFolder, keyFile, warn }) => ({
  backend: sealedFile({ folder: dataFolder, keyFile, warn }),
  fault: async () => undefined,
  close: async () => undefined,
})

/** OpenBao's own audit log is below the folder for temporary files, which is searched. */
export const vaultStore: OpenCanaryStore = async ({ warn }) => {
  const bao = await startOpenBao()
  const proxy = await startVaultProxy(bao.address)
  const auth = { method: 'token', token: ROOT_TOKEN } as const
  return {
    backend: vaultBackend({ address: proxy.endpoint, auth, mount: await bao.newMount(), warn }),
    async fault(fault) {
      if (fault === 'down') return proxy.down()
      if (fault === 'none') await proxy.up().catch(() => undefined)
      proxy.fault(fault as VaultFault)
    },
    async close() {
      await proxy.close()
      await bao.stop()
    },
  }
}

export const awsStore: OpenCanaryStore = async ({ warn }) => {
  const emulator = await startAwsEmulator('moto')
  const proxy = await startAwsProxy(emulator)
  return {
    backend: awsSecretsManagerBackend({
      region: REGION,
      endpoint: proxy.endpoint,
      credentials: async () => ROOT_KEYS,
      prefix: `mcp-${randomUUID().slice(0, 8)}`,
      warn,
    }),
    async fault(fault) {
      if (fault === 'down') return proxy.down()
      if (fault === 'none') await proxy.up().catch(() => undefined)
      proxy.fault(fault as AwsFault)
    },
    async close() {
      await proxy.close()
      await emulator.stop()
    },
  }
}
