import { SecretsManager } from '@aws-sdk/client-secrets-manager'
import { Agent, request } from 'undici'
import { awsSecretsManagerBackend } from '../dist/backends/aws-secrets-manager/aws-secrets-manager.js'
import { vaultBackend } from '../dist/backends/hashicorp-vault/hashicorp-vault.js'
import type { StorageKey } from '../dist/core/model/storage-key.js'
import type { SecretBackend } from '../dist/core/ports/secret-backend.js'
import { bringPython } from '../scripts/bring-python.mjs'
import { REGION, ROOT_KEYS, startAwsEmulator } from '../test/harness/aws/aws-emulator.ts'
import { ROOT_TOKEN, startOpenBao } from '../test/harness/hashicorp-vault/open-bao.ts'

/** A vendor's server, our backend in front of it, and the least that a program without us would do. */
export interface VendorStore {
  readonly backend: SecretBackend
  /** The credential's token as the vendor's own interface gives it, over a connection that is kept. */
  raw(key: StorageKey): Promise<unknown>
  /** Variables by which `createStores()` finds it. */
  readonly environment: NodeJS.ProcessEnv
  close(): Promise<void>
}

/** OpenBao in dev mode, with its audit device on. */
export async function startVaultStore(): Promise<VendorStore> {
  await bringPython()
  const bao = await startOpenBao()
  const backend = vaultBackend({ address: bao.address, auth: { method: 'token', token: ROOT_TOKEN } })
  await backend.open()
  const dispatcher = new Agent()
  const headers = { 'x-vault-token': ROOT_TOKEN }
  return {
    backend,
    async raw(key) {
      const url = `${bao.address}/v1/secret/data/mcp/${key.path}`
      const answer = await request(url, { dispatcher, headers })
      const { data } = (await answer.body.json()) as { data: { data: { pat: string } } }
      return data.data.pat
    },
    environment: { MCP_VAULT_BACKEND: 'vault', VAULT_ADDR: bao.address, VAULT_TOKEN: ROOT_TOKEN },
    async close() {
      await Promise.all([backend.close(), dispatcher.close()])
      await bao.stop()
    },
  }
}

/** The emulator moto. */
export async function startAwsStore(): Promise<VendorStore> {
  await bringPython()
  const emulator = await startAwsEmulator('moto')
  const settings = { region: REGION, endpoint: emulator.endpoint }
  const backend = awsSecretsManagerBackend({ ...settings, credentials: async () => ROOT_KEYS })
  await backend.open()
  const client = new SecretsManager({ ...settings, credentials: ROOT_KEYS })
  return {
    backend,
    async raw(key) {
      const found = await client.getSecretValue({ SecretId: `mcp/${key.path}.cred` })
      const { pat }: { pat: string } = JSON.parse(found.SecretString ?? '')
      return pat
    },
    environment: {
      MCP_VAULT_BACKEND: 'aws-secrets-manager',
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: emulator.endpoint,
      AWS_ACCESS_KEY_ID: ROOT_KEYS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: ROOT_KEYS.secretAccessKey,
    },
    async close() {
      client.destroy()
      await backend.close()
      await emulator.stop()
    },
  }
}
