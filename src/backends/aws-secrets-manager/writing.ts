import { setTimeout as delay } from 'node:timers/promises'
import { throwIfAborted, withinTime } from '../../core/model/deadline.ts'
import { CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import type { Owner } from '../../core/model/owner.ts'
import type { CredentialValues } from '../../core/model/variables.ts'
import { checkExpectation } from '../../core/ports/expectation.ts'
import type { BackendCall, StoredVersion, WriteIntent } from '../../core/ports/secret-backend.ts'
import type { AwsClient } from './aws-client.ts'
import { isAnswer } from './aws-error.ts'
import { describe } from './reading.ts'
import { type AwsSecret, CURRENT, isTombstone, STAGED, versionOf } from './secret.ts'
import { tags, tagsOfWrite } from './tags.ts'

export interface WritePlace {
  readonly client: AwsClient
  readonly name: string
  /** Parts of the owner that the name does not show. */
  readonly hidden: Partial<Owner>
  readonly settings: {
    readonly kmsKeyId?: string | undefined
    readonly tags: Readonly<Record<string, string>>
  }
  readonly warn: (message: string) => void
}

/** Milliseconds before the next look at a secret that another writer, or an unfinished deletion, has in hand. */
const FIRST_WAIT = 50
const LONGEST_WAIT = 2_000
/** Milliseconds. The value is stored by then. */
const TAG_DEADLINE = 2_000
/** About seven seconds together. */
const MAX_ROUNDS = 9

/** Until it succeeds, `expect` no longer holds, or the time is over. The version's id is the operation's. */
export async function writeSecret(
  place: WritePlace,
  values: CredentialValues,
  intent: WriteIntent,
  call: BackendCall,
): Promise<StoredVersion> {
  for (let round = 0; ; round += 1) {
    throwIfAborted(call.signal)
    const secret = await describe(place.client, place.name, call)
    if (secret?.current === intent.operationId && !secret.scheduledForDeletion)
      return versionOf(secret.current, new Date())
    const status = secret?.status ?? { status: 'absent' }
    checkExpectation(intent.expect, status)
    call.noteBase?.(status)
    if (await step(place, secret, values, intent, call)) {
      await describeVersion(place, secret, values, intent, call)
      return versionOf(intent.operationId, new Date())
    }
    if (round === MAX_ROUNDS) throw unfinished(!secret || secret.scheduledForDeletion)
    await delay(Math.min(FIRST_WAIT * 2 ** round, LONGEST_WAIT) * (0.5 + Math.random() / 2))
  }
}

/** One step towards the save, from what was found. False when there is another one to take. */
async function step(
  place: WritePlace,
  secret: AwsSecret | undefined,
  values: CredentialValues,
  intent: WriteIntent,
  call: BackendCall,
): Promise<boolean> {
  if (!secret) return create(place, values, intent, call)
  if (!secret.scheduledForDeletion) return replace(place, secret, values, intent, call)
  const { client, name } = place
  try {
    // Restoring brings the current version back: fine for our tombstone, but a value that an operator deleted must not come back even
    // for a moment, so that secret is removed for good and made anew.
    if (isTombstone(secret.current)) await client('restoreSecret', { SecretId: name }, call)
    else await remove(place, secret, call)
  } catch (error) {
    if (!isAnswer(error, 'InvalidRequestException', 'ResourceNotFoundException')) throw error
  }
  return false
}

/** Somebody else may have made it anew meanwhile, and that is not to be removed. */
async function remove({ client, name }: WritePlace, secret: AwsSecret, call: BackendCall): Promise<void> {
  const now = await describe(client, name, call)
  if (!now?.scheduledForDeletion || now.current !== secret.current) return
  await client('deleteSecret', { SecretId: name, ForceDeleteWithoutRecovery: true }, call)
}

async function create(
  { client, name, hidden, settings }: WritePlace,
  values: CredentialValues,
  { operationId, audit }: WriteIntent,
  call: BackendCall,
): Promise<boolean> {
  const fields = Object.keys(values)
  const input = {
    Name: name,
    SecretString: JSON.stringify(values),
    ClientRequestToken: operationId,
    Tags: [...tags(settings.tags), ...tagsOfWrite(operationId, { fields, audit }, hidden)],
    ...(settings.kmsKeyId !== undefined && { KmsKeyId: settings.kmsKeyId }),
  }
  try {
    await client('createSecret', input, call)
    return true
  } catch (error) {
    // Somebody else made it just now, or its deletion is not finished yet.
    if (isAnswer(error, 'ResourceExistsException', 'InvalidRequestException')) return false
    throw error
  }
}

async function replace(
  { client, name }: WritePlace,
  { current }: AwsSecret,
  values: CredentialValues,
  { operationId, expect }: WriteIntent,
  call: BackendCall,
): Promise<boolean> {
  const value = { SecretId: name, SecretString: JSON.stringify(values), ClientRequestToken: operationId }
  try {
    if (expect === 'any') {
      await client('putSecretValue', value, call)
      return true
    }
    await client('putSecretValue', { ...value, VersionStages: [STAGED] }, call)
    const move = { SecretId: name, VersionStage: CURRENT, MoveToVersionId: operationId }
    await client('updateSecretVersionStage', current ? { ...move, RemoveFromVersionId: current } : move, call)
    return true
  } catch (error) {
    // Changed or deleted since it was described.
    const raced = isAnswer(error, 'InvalidRequestException', 'ResourceNotFoundException')
    if (raced || (expect !== 'any' && isAnswer(error, 'InvalidParameterException'))) return false
    throw error
  }
}

/** The value is stored by now, so a tag that cannot be written is no failure of the save. A new secret was made with its tags. */
async function describeVersion(
  { client, name, hidden, warn }: WritePlace,
  secret: AwsSecret | undefined,
  values: CredentialValues,
  { operationId, audit }: WriteIntent,
  call: BackendCall,
): Promise<void> {
  if (!secret) return
  const fields = Object.keys(values)
  try {
    const Tags = tagsOfWrite(operationId, { fields, audit }, hidden)
    await client('tagResource', { SecretId: name, Tags }, withinTime(call, TAG_DEADLINE))
  } catch (error) {
    const reason = isCredentialVaultError(error) ? (error.reason ?? error.code) : 'refused'
    warn(`The tags of ${name} could not be written (${reason}). The credential itself is stored.`)
  }
}

function unfinished(removal: boolean): CredentialVaultError {
  return removal
    ? new CredentialVaultError(
        'unavailable',
        'AWS is still removing the earlier secret of this name. Nothing was saved. Try again in a minute.',
        { reason: 'still_being_removed', retryAfterSeconds: 60 },
      )
    : new CredentialVaultError(
        'unavailable',
        'Other writers keep changing this credential. Nothing was saved. Try again later.',
        { reason: 'contended' },
      )
}
