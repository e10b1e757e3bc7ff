import type { BackendCall, RevokeIntent } from '../../core/secret-backend.ts'
import { checkExpectation } from '../expectation.ts'
import type { AwsClient } from './aws-client.ts'
import { isAnswer } from './aws-error.ts'
import { describe } from './reading.ts'
import { CURRENT, isTombstone, STAGED, tombstoneId } from './secret.ts'

const TOMBSTONE_VALUE = JSON.stringify({ revoked: true })

/**
 * A tombstone becomes current, every label is taken off the earlier versions, and the secret is scheduled for deletion. From the first
 * step on the credential is revoked; a revocation that was cut off is finished by the next one.
 */
export async function revokeSecret(
  client: AwsClient,
  name: string,
  { recoveryWindowDays }: { readonly recoveryWindowDays: number },
  { expect, operationId, purge }: RevokeIntent,
  call: BackendCall,
): Promise<boolean> {
  const secret = await describe(client, name, call)
  if (!secret || (secret.status.status === 'absent' && !purge)) return false
  if (expect !== 'any') checkExpectation(expect, secret.status)
  if (purge) {
    await client('deleteSecret', { SecretId: name, ForceDeleteWithoutRecovery: true }, call)
    return true
  }
  const tombstone = isTombstone(secret.current) ? secret.current : tombstoneId(operationId)
  if (secret.scheduledForDeletion) return secret.current === tombstoneId(operationId)
  if (tombstone !== secret.current) {
    const value = { SecretId: name, SecretString: TOMBSTONE_VALUE, ClientRequestToken: tombstoneId(operationId) }
    if (expect === 'any') await client('putSecretValue', value, call)
    else {
      await client('putSecretValue', { ...value, VersionStages: [STAGED] }, call)
      const move = { SecretId: name, VersionStage: CURRENT, MoveToVersionId: tombstoneId(operationId) }
      await client(
        'updateSecretVersionStage',
        secret.current ? { ...move, RemoveFromVersionId: secret.current } : move,
        call,
      )
    }
  }
  await takeLabelsOff(client, name, call)
  try {
    await client('deleteSecret', { SecretId: name, RecoveryWindowInDays: recoveryWindowDays }, call)
  } catch (error) {
    if (!isAnswer(error, 'InvalidRequestException')) throw error
  }
  return true
}

/** A version without a label can no longer be asked for by one, and is removed by the service in time. */
async function takeLabelsOff(client: AwsClient, name: string, call: BackendCall): Promise<void> {
  const secret = await describe(client, name, call)
  for (const [version, stages] of Object.entries(secret?.stages ?? {})) {
    if (isTombstone(version)) continue
    for (const stage of stages)
      if (stage !== CURRENT)
        await client(
          'updateSecretVersionStage',
          { SecretId: name, VersionStage: stage, RemoveFromVersionId: version },
          call,
        )
  }
}
