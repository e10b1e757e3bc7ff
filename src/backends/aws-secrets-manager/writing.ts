import { setTimeout as delay } from 'node:timers/promises'
import { throwIfAborted, withinTime } from '../../core/host/deadline.ts'
import { CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import type { Owner } from '../../core/model/owner.ts'
import type { CredentialValues } from '../../core/model/variables.ts'
import { checkExpectation } from '../../core/ports/expectation.ts'
import type { BackendCall, StoredVersion, WriteIntent } from '../../core/ports/secret-backend.ts'
import { withFieldNames } from '../vendor/field-names.ts'
import type { AwsClient } from './aws-client.ts'
import { isAnswer } from './aws-error.ts'
import { removeMarks } from './marking.ts'
import { describe } from './reading.ts'
import { rejectedAtOf } from './rejection-stage.ts'
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

/** Milliseconds before another look at a secret that another writer is changing or AWS is still deleting. */
const FIRST_WAIT = 50
const LONGEST_WAIT = 2_000
/** Milliseconds. By then the value is stored. */
const TAG_DEADLINE = 2_000
/** Their waits add up to about seven seconds. */
const MAX_ROUNDS = 9

/** Tries until the save succeeds, `expect` no longer holds, or the time is over. The version's id is the operation's. */
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
      call.noteWritten?.()
      const marked = (await lookAgain(place, intent, call)) ?? secret
      await describeVersion(place, marked, values, intent, call)
      return versionOf(intent.operationId, new Date())
    }
    if (round === MAX_ROUNDS) throw unfinished(!secret || secret.scheduledForDeletion)
    await delay(Math.min(FIRST_WAIT * 2 ** round, LONGEST_WAIT) * (0.5 + Math.random() / 2))
  }
}

/**
 * Looks again once a save that expects a version is stored, since a rejection may have been marked or undone after the first look. The value
 * is stored, so a failure only costs the news.
 */
async function lookAgain(
  { client, name }: WritePlace,
  { expect, operationId }: WriteIntent,
  call: BackendCall,
): Promise<AwsSecret | undefined> {
  if (typeof expect === 'string') return undefined
  const secret = await describe(client, name, withinTime(call, TAG_DEADLINE)).catch(() => undefined)
  const stages = secret?.stages[expect.version]
  if (!secret || !stages) return undefined
  const rejectedAt = rejectedAtOf(stages)
  call.noteBase?.({
    status: 'active',
    version: versionOf(expect.version, new Date()),
    ...(rejectedAt && { labels: { rejectedAt } }),
  })
  // The new version may have been marked already, and keeps that mark.
  const { [operationId]: _, ...earlier } = secret.stages
  return { ...secret, stages: earlier }
}

/** Takes one step towards the save. Returns false when more steps are needed. */
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
    // Restoring makes the current version readable again. That is harmless for our tombstone, but a value that an operator deleted must
    // not come back even for a moment, so that secret is deleted for good and recreated.
    if (isTombstone(secret.current)) await client('restoreSecret', { SecretId: name }, call)
    else await remove(place, secret, call)
  } catch (error) {
    if (!isAnswer(error, 'InvalidRequestException', 'ResourceNotFoundException')) throw error
  }
  return false
}

/** Deletes the secret for good, unless it was recreated meanwhile. */
async function remove({ client, name }: WritePlace, secret: AwsSecret, call: BackendCall): Promise<void> {
  const now = await describe(client, name, call)
  if (!now?.scheduledForDeletion || now.current !== secret.current) return
  await client('deleteSecret', { SecretId: name, ForceDeleteWithoutRecovery: true }, call)
}

async function create(
  { client, name, hidden, settings }: WritePlace,
  values: CredentialValues,
  intent: WriteIntent,
  call: BackendCall,
): Promise<boolean> {
  const { operationId } = intent
  const described = tagsOfWrite(operationId, withFieldNames(intent, values), hidden)
  const input = {
    Name: name,
    SecretString: JSON.stringify(values),
    ClientRequestToken: operationId,
    Tags: [...tags(settings.tags), ...described.filter(({ Value }) => Value !== '')],
    ...(settings.kmsKeyId !== undefined && { KmsKeyId: settings.kmsKeyId }),
  }
  try {
    await client('createSecret', input, call)
    return true
  } catch (error) {
    // Another writer has just created it, or its deletion is not finished.
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
    // The secret was changed or deleted since it was described.
    const raced = isAnswer(error, 'InvalidRequestException', 'ResourceNotFoundException')
    if (raced || (expect !== 'any' && isAnswer(error, 'InvalidParameterException'))) return false
    throw error
  }
}

/**
 * Updates the tags, and removes the marks of earlier versions. The value is already stored, so a failure here only warns. A new secret was
 * created with its tags.
 */
async function describeVersion(
  { client, name, hidden, warn }: WritePlace,
  secret: AwsSecret | undefined,
  values: CredentialValues,
  intent: WriteIntent,
  call: BackendCall,
): Promise<void> {
  if (!secret) return
  const inTime = withinTime(call, TAG_DEADLINE)
  try {
    const Tags = tagsOfWrite(intent.operationId, withFieldNames(intent, values), hidden)
    await client('tagResource', { SecretId: name, Tags }, inTime)
    await removeMarks(client, name, secret, inTime)
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
