import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { BackendCall, RightsReport, Tier } from '../../core/ports/secret-backend.ts'
import type { AwsClient } from './aws-client.ts'
import { AwsAnswer } from './aws-error.ts'
import { REJECTED, rejectionStage } from './rejection-stage.ts'
import { CURRENT } from './secret.ts'

/** The one staging label that a login of the tool tier may move. */
const MARK = `UpdateSecretVersionStage on ${REJECTED}*`

const NEEDED = {
  form: [
    'DescribeSecret',
    'PutSecretValue',
    'UpdateSecretVersionStage',
    MARK,
    'DeleteSecret',
    'RestoreSecret',
    'TagResource',
  ],
  tool: ['DescribeSecret', 'GetSecretValue', MARK],
} as const

/**
 * Tries each operation on a secret that does not exist. AWS answers ResourceNotFound if the action is allowed, else AccessDenied.
 * `CreateSecret` cannot be probed; the first save tests it.
 */
export async function rightsOf(client: AwsClient, name: string, tier: Tier, call: BackendCall): Promise<RightsReport> {
  if (tier === 'both') return { missing: [], excess: [] }
  const nowhere = { SecretId: `${name}.nowhere` }
  const version = '00000000-0000-4000-8000-000000000000'
  const attempts: Readonly<Record<string, () => Promise<unknown>>> = {
    DescribeSecret: () => client('describeSecret', nowhere, call),
    GetSecretValue: () => client('getSecretValue', { ...nowhere, VersionStage: CURRENT }, call),
    PutSecretValue: () =>
      client('putSecretValue', { ...nowhere, SecretString: '{}', ClientRequestToken: version }, call),
    UpdateSecretVersionStage: () =>
      client(
        'updateSecretVersionStage',
        { ...nowhere, VersionStage: CURRENT, MoveToVersionId: version, RemoveFromVersionId: version },
        call,
      ),
    [MARK]: () =>
      client(
        'updateSecretVersionStage',
        { ...nowhere, VersionStage: rejectionStage(new Date()), MoveToVersionId: version },
        call,
      ),
    DeleteSecret: () => client('deleteSecret', { ...nowhere, RecoveryWindowInDays: 7 }, call),
    RestoreSecret: () => client('restoreSecret', nowhere, call),
    TagResource: () => client('tagResource', { ...nowhere, Tags: [{ Key: 'mcp:probe', Value: 'probe' }] }, call),
    ListSecrets: () => client('listSecrets', { MaxResults: 1 }, call),
  }
  const needed: readonly string[] = NEEDED[tier]
  const missing: string[] = []
  const excess: string[] = []
  for (const [operation, attempt] of Object.entries(attempts)) {
    const allowed = await mayDo(attempt)
    if (allowed && !needed.includes(operation)) excess.push(`secretsmanager:${operation}`)
    if (!allowed && needed.includes(operation)) missing.push(`secretsmanager:${operation}`)
  }
  return { missing, excess }
}

async function mayDo(attempt: () => Promise<unknown>): Promise<boolean> {
  try {
    await attempt()
    return true
  } catch (error) {
    if (error instanceof AwsAnswer) return true
    if (isCredentialVaultError(error, 'forbidden')) return false
    throw error
  }
}
