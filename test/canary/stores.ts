import { randomUUID } from 'node:crypto'
import { awsSecretsManagerBackend } from '../../src/backends/aws-secrets-manager/aws-secrets-manager.ts'
import { vaultBackend } from '../../src/backends/hashicorp-vault/hashicorp-vault.ts'
import { sealedFile } from '../../src/backends/sealed-file/sealed-file.ts'
import type { SecretBackend } from '../../src/core/ports/secret-backend.ts'
import { REGION, ROOT_KEYS } from '../harness/aws/aws-emulator.ts'
import { awsOperator } from '../harness/aws/aws-operator.ts'
import type { AwsFault } from '../harness/aws/aws-proxy.ts'
import { startEmulatedAws } from '../harness/aws/emulated-aws.ts'
import { hashicorpOperator } from '../harness/hashicorp-vault/hashicorp-operator.ts'
import { ROOT_TOKEN, startOpenBao } from '../harness/hashicorp-vault/open-bao.ts'
import { startVaultProxy, type VaultFault } from '../harness/hashicorp-vault/vault-proxy.ts'
import { heldByAws, heldByVault } from './held.ts'
import { type SealedPlace, sealedPlace } from './sealed-place.ts'

/** A store that the canary's world keeps its secrets in, with a network in between that can fail. */
export interface CanaryStore {
  readonly backend: SecretBackend
  /** Where its server keeps files of its own, such as its log. They are searched. */
  readonly folder?: string
  /** What is different when an envelope seals the values before they reach the store. */
  readonly sealed?: SealedPlace
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

/** A running server of a vendor, with a place of its own for each store that is opened on it. */
export interface StoreServer {
  /** Values as they are. */
  readonly plain: OpenCanaryStore
  /** Values in an envelope; the first of the keys seals at first. */
  sealed(keys: readonly string[]): OpenCanaryStore
  close(): Promise<void>
}

export type StoreName = 'vault' | 'aws-secrets-manager'

export const startStoreServer = (name: StoreName): Promise<StoreServer> =>
  name === 'vault' ? startVaultServer() : startAwsServer()

async function startVaultServer(): Promise<StoreServer> {
  const bao = await startOpenBao()
  const proxy = await startVaultProxy(bao.address)
  const auth = { method: 'token', token: ROOT_TOKEN } as const
  const inner = (mount: string, warn: (message: string) => void) => () =>
    vaultBackend({ address: proxy.endpoint, auth, mount, warn })
  const common = {
    folder: bao.folder,
    async fault(fault: string) {
      if (fault === 'down') return proxy.down()
      if (fault === 'none') await proxy.up().catch(() => undefined)
      proxy.fault(fault as VaultFault)
    },
    close: async () => undefined,
  }
  return {
    plain: async ({ warn }) => ({ ...common, backend: inner(await bao.newMount(), warn)() }),
    sealed:
      (keys) =>
      async ({ warn }) => {
        const mount = await bao.newMount()
        const held = heldByVault({ bao, proxy, mount })
        const sealed = sealedPlace({
          inner: inner(mount, warn),
          keys,
          warn,
          held,
          operator: hashicorpOperator(bao, mount),
        })
        return { ...common, sealed, backend: sealed.backend }
      },
    async close() {
      await proxy.close()
      await bao.stop()
    },
  }
}

async function startAwsServer(): Promise<StoreServer> {
  const aws = await startEmulatedAws('moto')
  const { administrator } = aws.emulator
  const inner = (prefix: string, warn: (message: string) => void) => () =>
    awsSecretsManagerBackend({
      region: REGION,
      endpoint: aws.proxy.endpoint,
      credentials: async () => ROOT_KEYS,
      prefix,
      warn,
    })
  const newPrefix = () => `mcp-${randomUUID().slice(0, 8)}`
  const common = {
    async fault(fault: string) {
      if (fault === 'down') return aws.proxy.down()
      if (fault === 'none') await aws.proxy.up().catch(() => undefined)
      aws.proxy.fault(fault as AwsFault)
    },
    close: async () => undefined,
  }
  return {
    plain: async ({ warn }) => ({ ...common, backend: inner(newPrefix(), warn)() }),
    sealed:
      (keys) =>
      async ({ warn }) => {
        const prefix = newPrefix()
        const held = heldByAws(administrator, prefix)
        const operator = awsOperator(administrator, prefix)
        const sealed = sealedPlace({ inner: inner(prefix, warn), keys, warn, held, operator })
        return { ...common, sealed, backend: sealed.backend }
      },
    close: aws.close,
  }
}
