import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SecretsManager } from '@aws-sdk/client-secrets-manager'
import { awsSecretsManagerBackend } from '../../src/backends/aws-secrets-manager/aws-secrets-manager.ts'
import { vaultBackend } from '../../src/backends/hashicorp-vault/hashicorp-vault.ts'
import type { StorageKey } from '../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../src/core/ports/secret-backend.ts'
import type { VendorOperator } from '../../src/testing/secret-backend/harness.ts'
import { type EmulatorName, REGION, ROOT_KEYS, startAwsEmulator } from './aws/aws-emulator.ts'
import { awsOperator } from './aws/aws-operator.ts'
import { startAwsProxy } from './aws/aws-proxy.ts'
import { awsPolicy, newAwsUser } from './aws/aws-users.ts'
import { hashicorpOperator } from './hashicorp-vault/hashicorp-operator.ts'
import { startOpenBao } from './hashicorp-vault/open-bao.ts'

/** A backend with the two logins of its policies, and the marks of rejections as the vendor's own API shows and changes them. */
export interface VendorMarks {
  readonly backend: SecretBackend
  readonly operator: Pick<VendorOperator, 'put'>
  /** The mark of the newest version, as it is stored. */
  shown(key: StorageKey): Promise<string | undefined>
  /** Marks the newest version, with the tools' own login. */
  forge(key: StorageKey): Promise<void>
  /** Removes the newest version's mark, with the tools' own login. */
  erase(key: StorageKey): Promise<void>
  close(): Promise<void>
}

export async function vaultMarks(): Promise<VendorMarks> {
  const bao = await startOpenBao()
  const mount = await bao.newMount()
  const login = async (name: 'form' | 'tool') => {
    const file = join(import.meta.dirname, `../../docs/backends/policies/vault-${name}.hcl`)
    const policy = readFileSync(file, 'utf8').replaceAll('"secret/', `"${mount}/`)
    await bao.api('PUT', `sys/policies/acl/${name}`, { policy })
    const { body } = await bao.api('POST', 'auth/token/create', { policies: [name] })
    return { method: 'token', token: String(body.auth.client_token) } as const
  }
  const [read, write] = [await login('tool'), await login('form')]
  const at = (key: StorageKey) => `${mount}/metadata/mcp/${key.path}`
  const label = (key: StorageKey, value: string | null) =>
    bao.api('PATCH', at(key), { custom_metadata: { 'mcp-rejected': value } }, { token: read.token })
  const described = async (key: StorageKey) => (await bao.api('GET', at(key))).body.data
  return {
    backend: vaultBackend({ address: bao.address, mount, auth: { read, write }, warn: () => undefined }),
    operator: hashicorpOperator(bao, mount),
    shown: async (key) => (await described(key)).custom_metadata['mcp-rejected'],
    forge: async (key) => void (await label(key, `${(await described(key)).current_version} 2026-11-27`)),
    erase: async (key) => void (await label(key, null)),
    close: () => bao.stop(),
  }
}

export async function awsMarks(name: EmulatorName): Promise<VendorMarks> {
  const emulator = await startAwsEmulator(name)
  const proxy = await startAwsProxy(emulator)
  const prefix = `mcp-${randomUUID().slice(0, 8)}`
  // moto has no IAM to enforce.
  const user = async (policy: 'form' | 'tool') =>
    name === 'moto' ? ROOT_KEYS : newAwsUser(emulator, awsPolicy(policy, prefix))
  const [read, write] = [await user('tool'), await user('form')]
  const tools = new SecretsManager({ endpoint: proxy.endpoint, region: REGION, credentials: read })
  const SecretId = (key: StorageKey) => `${prefix}/${key.path}.cred`
  async function current(key: StorageKey): Promise<[string, readonly string[]]> {
    const { VersionIdsToStages = {} } = await emulator.administrator.describeSecret({ SecretId: SecretId(key) })
    return Object.entries(VersionIdsToStages).find(([, labels]) => labels.includes('AWSCURRENT')) ?? ['', []]
  }
  const markOf = (labels: readonly string[]) => labels.find((label) => label.startsWith('mcp-rejected-'))
  return {
    backend: awsSecretsManagerBackend({
      region: REGION,
      endpoint: proxy.endpoint,
      prefix,
      credentials: { read: async () => read, write: async () => write },
      warn: () => undefined,
    }),
    operator: awsOperator(emulator.administrator, prefix),
    shown: async (key) => markOf((await current(key))[1]),
    async forge(key) {
      const [MoveToVersionId] = await current(key)
      const VersionStage = 'mcp-rejected-20261127T165500Z'
      await tools.updateSecretVersionStage({ SecretId: SecretId(key), VersionStage, MoveToVersionId })
    },
    async erase(key) {
      const [RemoveFromVersionId, labels] = await current(key)
      const place = { SecretId: SecretId(key), VersionStage: markOf(labels) ?? '', RemoveFromVersionId }
      await tools.updateSecretVersionStage(place)
    },
    async close() {
      tools.destroy()
      await proxy.close()
      await emulator.stop()
    },
  }
}
