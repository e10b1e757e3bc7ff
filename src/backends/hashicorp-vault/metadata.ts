import { CredentialVaultError } from '../../core/model/errors.ts'
import type { CredentialStatus, StoredVersion, VersionRef } from '../../core/ports/secret-backend.ts'
import { labelsOf, versionLabelsOf } from './labels.ts'
import { type HashicorpVaultAnswer, objectAt } from './transport/exchange.ts'

/** One credential as `metadata/` describes it: every version, without values. */
export interface KvMetadata {
  readonly current: number
  readonly versions: readonly KvVersion[]
  readonly customMetadata: Readonly<Record<string, unknown>> | undefined
}

export interface KvVersion {
  readonly number: number
  readonly stored: StoredVersion
  readonly destroyed: boolean
  /** Whether it was deleted recoverably or has expired. */
  readonly deleted: boolean
}

/**
 * @returns undefined for a 404: nothing was ever stored, or everything was purged
 * @throws `unavailable` when the answer is not Vault's
 */
export function metadataOf(answer: HashicorpVaultAnswer): KvMetadata | undefined {
  const data = objectAt(answer.body, 'data')
  if (answer.status === 404) return undefined
  if (!data || !objectAt(data, 'versions')) throw notUnderstood()
  const versions = Object.entries(objectAt(data, 'versions') ?? {})
    .flatMap(([number, found]) => {
      const version = versionOf(Number(number), objectAt(found), answer)
      return version ? [version] : []
    })
    .sort((a, b) => b.number - a.number)
  return {
    current: typeof data['current_version'] === 'number' ? data['current_version'] : 0,
    versions,
    customMetadata: objectAt(data, 'custom_metadata'),
  }
}

/** Reads a version from the description in `data/` or `metadata/`. */
export function versionOf(
  number: number,
  found: Readonly<Record<string, unknown>> | undefined,
  answer: HashicorpVaultAnswer,
): KvVersion | undefined {
  const created = found?.['created_time']
  if (typeof created !== 'string' || !Number.isInteger(number) || number < 1) return undefined
  const deletion = found?.['deletion_time']
  return {
    number,
    // Numbers restart after a purge, so the time makes the reference unique.
    stored: { ref: `${number}@${created}` as VersionRef, label: String(number), createdAt: new Date(created) },
    destroyed: found?.['destroyed'] === true,
    // The time is in the future when the mount lets versions expire.
    deleted: typeof deletion === 'string' && deletion !== '' && Date.parse(deletion) <= serverTime(answer),
  }
}

/** Returns Vault's clock from the answer's `Date`, else ours. */
function serverTime({ headers }: HashicorpVaultAnswer): number {
  const time = Date.parse(headers['date'] ?? '')
  // `Date` is truncated to whole seconds.
  return Number.isNaN(time) ? Date.now() : time + 999
}

export function notUnderstood(): CredentialVaultError {
  return new CredentialVaultError('unavailable', 'Vault returned a response that this server does not understand.', {
    reason: 'answer',
  })
}

/** @param wanted number of a version. Default: the newest */
export function statusOf(metadata: KvMetadata | undefined, wanted = metadata?.current): CredentialStatus {
  const found = metadata?.versions.find(({ number }) => number === wanted)
  if (!metadata || !found) return { status: 'absent' }
  if (found.destroyed || found.deleted) return { status: 'revoked', version: found.stored }
  const { fields } = labelsOf(metadata.customMetadata, found.number)
  const labels = versionLabelsOf(metadata.customMetadata, found.number)
  return { status: 'active', version: found.stored, labels, ...(fields && { fields }) }
}

/** Returns the number of the version that a reference names. */
export function numberOf(ref: VersionRef): number {
  return Number.parseInt(ref, 10)
}
