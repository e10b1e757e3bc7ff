import { CredentialVaultError } from '../../core/model/errors.ts'
import { isJsonObject, parseUntrustedJson } from '../../core/model/json.ts'
import type { BackendCall, CredentialLookup } from '../../core/ports/secret-backend.ts'
import type { AwsClient } from './aws-client.ts'
import { isAnswer } from './aws-error.ts'
import { rejectedAtOf } from './rejection-stage.ts'
import { type AwsSecret, CURRENT, isTombstone, secretOf, versionOf } from './secret.ts'

/** @returns undefined when there is no such secret */
export async function describe(client: AwsClient, name: string, call: BackendCall): Promise<AwsSecret | undefined> {
  try {
    const found = await client('describeSecret', { SecretId: name }, call)
    if (!found.ARN && !found.Name) throw notUnderstood()
    return secretOf(found)
  } catch (error) {
    if (isAnswer(error, 'ResourceNotFoundException')) return undefined
    throw error
  }
}

export async function readSecret(client: AwsClient, name: string, call: BackendCall): Promise<CredentialLookup> {
  for (let round = 1; ; round += 1) {
    const found = await readOnce(client, name, call)
    if (found) return found
    if (round === MAX_ROUNDS)
      throw new CredentialVaultError('unavailable', 'Other writers keep changing the secret. Try again later.', {
        reason: 'contended',
        retryable: true,
      })
  }
}

const MAX_ROUNDS = 3

/** Returns undefined when the secret was recreated between the two requests that this may take. */
async function readOnce(client: AwsClient, name: string, call: BackendCall): Promise<CredentialLookup | undefined> {
  try {
    const found = await client('getSecretValue', { SecretId: name, VersionStage: CURRENT }, call)
    if (!found.VersionId) throw notUnderstood()
    const version = versionOf(found.VersionId ?? '', found.CreatedDate ?? new Date(0))
    if (isTombstone(found.VersionId)) return { status: 'revoked', version }
    const rejectedAt = rejectedAtOf(found.VersionStages)
    return { status: 'active', version, values: fieldsOf(found.SecretString), labels: rejectedAt ? { rejectedAt } : {} }
  } catch (error) {
    // The secret is scheduled for deletion or has no current version; its description says which. Other errors stay as they are.
    if (!isAnswer(error, 'InvalidRequestException', 'ResourceNotFoundException')) throw error
    const secret = await describe(client, name, call)
    const status = secret?.status ?? { status: 'absent' }
    if (status.status !== 'active') return status
    // Any other refusal would repeat.
    if (isAnswer(error, 'ResourceNotFoundException')) return undefined
    throw error
  }
}

/** Reports JSON that the service would not send. */
function notUnderstood(): CredentialVaultError {
  return new CredentialVaultError('unavailable', 'AWS returned a response that this server does not understand.', {
    reason: 'answer',
  })
}

function fieldsOf(text: string | undefined): Readonly<Record<string, unknown>> {
  let parsed: unknown
  try {
    parsed = parseUntrustedJson(text ?? '')
  } catch {
    // The parser's error quotes the text, so it is dropped.
    parsed = undefined
  }
  if (isJsonObject(parsed)) return parsed
  throw new CredentialVaultError(
    'credential_malformed',
    'The stored secret is not a JSON object of fields. Rotate it to one, or revoke it and enter it again.',
    { reason: 'not_json' },
  )
}
