import type { SecretsManager } from '@aws-sdk/client-secrets-manager'
import { vendorName } from '../../../src/backends/vendor/vendor-name.ts'
import type { StorageKey } from '../../../src/core/model/storage-key.ts'
import type { VendorOperator } from '../../../src/testing/secret-backend/harness.ts'

/** An operator in the AWS console. */
export function awsOperator(administrator: SecretsManager, prefix: string): VendorOperator {
  const name = (key: StorageKey) => `${prefix}/${vendorName(key, 'readable').path}.cred`
  const stages = async (key: StorageKey) =>
    Object.entries((await administrator.describeSecret({ SecretId: name(key) })).VersionIdsToStages ?? {})

  async function putText(key: StorageKey, text: string): Promise<void> {
    const SecretId = name(key)
    try {
      await administrator.putSecretValue({ SecretId, SecretString: text })
    } catch {
      await administrator.createSecret({ Name: SecretId, SecretString: text })
    }
  }

  async function move(key: StorageKey, to: string | undefined): Promise<void> {
    const [current] = (await stages(key)).find(([, labels]) => labels.includes('AWSCURRENT')) ?? []
    await administrator.updateSecretVersionStage({
      SecretId: name(key),
      VersionStage: 'AWSCURRENT',
      RemoveFromVersionId: current,
      MoveToVersionId: to,
    })
  }

  return {
    put: (key, fields) => putText(key, JSON.stringify(fields)),
    putText,
    remove: async (key) => void (await administrator.deleteSecret({ SecretId: name(key), RecoveryWindowInDays: 7 })),
    restore: async (key) => void (await administrator.restoreSecret({ SecretId: name(key) })),
    // The label is taken off: no version is current any more.
    destroy: (key) => move(key, undefined),
    async rollBack(key) {
      const [previous] = (await stages(key)).find(([, labels]) => labels.includes('AWSPREVIOUS')) ?? []
      await move(key, previous)
    },
    purge: async (key) =>
      void (await administrator.deleteSecret({ SecretId: name(key), ForceDeleteWithoutRecovery: true })),
  }
}
