import { throwIfAborted } from '../../core/host/deadline.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { checkExpectation } from '../../core/ports/expectation.ts'
import type { BackendCall, RevokeIntent } from '../../core/ports/secret-backend.ts'
import type { AwsClient } from './aws-client.ts'
import { isAnswer } from './aws-error.ts'
import { removeLabel } from './marking.ts'
import { describe } from './reading.ts'
import { type AwsSecret, CURRENT, isTombstone, PREVIOUS, STAGED, tombstoneId } from './secret.ts'

const TOMBSTONE_VALUE = JSON.stringify({ revoked: true })
const MAX_ROUNDS = 6

/**
 * Makes a tombstone current, removes every label from the earlier versions, and schedules the secret for deletion. The credential is
 * revoked from the first step on. A revocation that was interrupted, or that meets another one, continues from the state that it finds.
 */
export async function revokeSecret(
  client: AwsClient,
  name: string,
  { recoveryWindowDays }: { readonly recoveryWindowDays: number },
  intent: RevokeIntent,
  call: BackendCall,
): Promise<boolean> {
  const own = tombstoneId(intent.operationId)
  let changed = false
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    throwIfAborted(call.signal)
    const secret = await describe(client, name, call)
    if (!secret || !isThere(secret, intent)) return changed
    if (intent.expect !== 'any' && secret.current !== own && !changed) checkExpectation(intent.expect, secret.status)
    // The user connected again after our tombstone, and keeps the new credential.
    if (changed && isInUse(secret) && !intent.purge) return true
    try {
      const done = await revokeStep(client, name, secret, { recoveryWindowDays, intent }, call)
      if (done === 'deleted') return true
      if (done === 'scheduled before') return changed || secret.current === own
      changed = true
    } catch (error) {
      // The secret changed since it was described, through another writer or our own request whose answer was lost.
      if (!isAnswer(error, 'InvalidRequestException', 'InvalidParameterException', 'ResourceNotFoundException'))
        throw error
    }
  }
  throw new CredentialVaultError('unavailable', 'Other writers keep changing the secret. Revoke it again.', {
    reason: 'contended',
  })
}

/** A purge also removes the mark of a revocation. */
function isThere({ status }: AwsSecret, { purge }: RevokeIntent): boolean {
  return purge || status.status !== 'absent'
}

function isInUse({ current, scheduledForDeletion }: AwsSecret): boolean {
  return !scheduledForDeletion && !isTombstone(current)
}

/** Takes the next step from the secret's current state. */
async function revokeStep(
  client: AwsClient,
  name: string,
  secret: AwsSecret,
  { recoveryWindowDays, intent }: { readonly recoveryWindowDays: number; readonly intent: RevokeIntent },
  call: BackendCall,
): Promise<'tombstone' | 'deleted' | 'scheduled before'> {
  if (intent.purge) {
    await client('deleteSecret', { SecretId: name, ForceDeleteWithoutRecovery: true }, call)
    return 'deleted'
  }
  if (secret.scheduledForDeletion) return 'scheduled before'
  if (!isTombstone(secret.current)) {
    await putTombstone(client, name, secret, intent, call)
    return 'tombstone'
  }
  await removeLabels(client, name, secret, call)
  await client('deleteSecret', { SecretId: name, RecoveryWindowInDays: recoveryWindowDays }, call)
  return 'deleted'
}

async function putTombstone(
  client: AwsClient,
  name: string,
  { current }: AwsSecret,
  { expect, operationId }: RevokeIntent,
  call: BackendCall,
): Promise<void> {
  const id = tombstoneId(operationId)
  const value = { SecretId: name, SecretString: TOMBSTONE_VALUE, ClientRequestToken: id }
  if (expect === 'any') await client('putSecretValue', value, call)
  else {
    await client('putSecretValue', { ...value, VersionStages: [STAGED] }, call)
    const move = { SecretId: name, VersionStage: CURRENT, MoveToVersionId: id }
    await client('updateSecretVersionStage', current ? { ...move, RemoveFromVersionId: current } : move, call)
  }
  // The description may be out of date, so the version that was current is passed in.
  if (current) await removeLabel(client, name, PREVIOUS, current, call)
}

/** Removes a version's labels. It can then no longer be requested by label, and the service deletes it in time. */
async function removeLabels(client: AwsClient, name: string, { stages }: AwsSecret, call: BackendCall): Promise<void> {
  for (const [version, labels] of Object.entries(stages)) {
    if (isTombstone(version)) continue
    for (const label of labels) if (label !== CURRENT) await removeLabel(client, name, label, version, call)
  }
}
