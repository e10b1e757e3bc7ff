import type { BackendCall, StoredVersion } from '../../core/ports/secret-backend.ts'
import type { AwsClient } from './aws-client.ts'
import { isAnswer } from './aws-error.ts'
import { describe } from './reading.ts'
import { REJECTED, rejectedAtOf, rejectionStage } from './rejection-stage.ts'
import type { AwsSecret } from './secret.ts'

/** Marks this version as rejected, or removes its mark. Returns false if another version is current. */
export async function markRejected(
  client: AwsClient,
  name: string,
  { version, rejectedAt }: { readonly version: StoredVersion; readonly rejectedAt: Date | undefined },
  call: BackendCall,
): Promise<boolean> {
  const secret = await describe(client, name, call)
  if (secret?.status.status !== 'active' || secret.current !== version.ref) return false
  if (rejectedAt && rejectedAtOf(secret.stages[secret.current])) return true
  try {
    // A version takes 20 labels, and the same label cannot be on two.
    await removeMarks(client, name, secret, call)
    const mark = { SecretId: name, MoveToVersionId: secret.current }
    if (rejectedAt)
      await client('updateSecretVersionStage', { ...mark, VersionStage: rejectionStage(rejectedAt) }, call)
    // A save that was stored meanwhile may not have seen the change.
    return (await describe(client, name, call))?.current === version.ref
  } catch (error) {
    // The secret was revoked or purged since it was described.
    if (isAnswer(error, 'InvalidRequestException', 'ResourceNotFoundException')) return false
    throw error
  }
}

/** Removes the marks from every version, also from earlier ones: AWS keeps a version as long as it has a label. */
export async function removeMarks(
  client: AwsClient,
  name: string,
  { stages }: Pick<AwsSecret, 'stages'>,
  call: BackendCall,
): Promise<void> {
  for (const [version, labels] of Object.entries(stages))
    for (const label of labels) if (label.startsWith(REJECTED)) await removeLabel(client, name, label, version, call)
}

export async function removeLabel(client: AwsClient, name: string, label: string, version: string, call: BackendCall) {
  const change = { SecretId: name, VersionStage: label, RemoveFromVersionId: version }
  try {
    await client('updateSecretVersionStage', change, call)
  } catch (error) {
    // The label was removed already.
    if (!isAnswer(error, 'InvalidParameterException')) throw error
  }
}
