import { SecretsManager } from '@aws-sdk/client-secrets-manager'

/** A real AWS account, by the SDK's own chain of region and credentials: the tests use it in place of the emulators with AWS_LIVE=1. */
export const isLive = process.env['AWS_LIVE'] === '1'

export function liveAdministrator(): SecretsManager {
  return new SecretsManager({})
}

/** Removes for good what a test has left below its own prefix; each secret costs money. */
export async function removeSecrets(administrator: SecretsManager, prefix: string): Promise<void> {
  const Filters = [{ Key: 'name' as const, Values: [`${prefix}/`] }]
  const { SecretList = [] } = await administrator.listSecrets({
    Filters,
    IncludePlannedDeletion: true,
    MaxResults: 100,
  })
  for (const { Name = '' } of SecretList) {
    if (!Name.startsWith(`${prefix}/`)) continue
    await administrator.deleteSecret({ SecretId: Name, ForceDeleteWithoutRecovery: true })
  }
}
