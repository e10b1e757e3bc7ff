import type { DescribeSecretResponse, SecretListEntry } from '@aws-sdk/client-secrets-manager'
import type { CredentialStatus, StoredVersion, VersionRef } from '../../core/ports/secret-backend.ts'
import { rejectedAtOf } from './rejection-stage.ts'
import { describedVersion, fieldsOf, versionLabelsOf } from './tags.ts'

export const CURRENT = 'AWSCURRENT'
export const PREVIOUS = 'AWSPREVIOUS'
/** Label of a compare-and-set's value until `AWSCURRENT` has moved. `AWSPENDING` belongs to AWS's own rotation. */
export const STAGED = 'MCPSTAGED'

/** Prefix of a tombstone's version id. We choose the ids, so a tombstone is recognised without reading it. */
const TOMBSTONE = 'mcp-revoked-'

export function tombstoneId(operationId: string): string {
  return `${TOMBSTONE}${operationId}`
}

export function isTombstone(versionId: string | undefined): boolean {
  return versionId?.startsWith(TOMBSTONE) === true
}

/** One secret as `DescribeSecret` shows it, without its value. */
export interface AwsSecret {
  readonly status: CredentialStatus
  /** The version that carries `AWSCURRENT`. */
  readonly current: string | undefined
  readonly scheduledForDeletion: boolean
  readonly stages: Readonly<Record<string, readonly string[]>>
  readonly tags: Readonly<Record<string, string>>
}

export function secretOf(found: DescribeSecretResponse | SecretListEntry): AwsSecret {
  const stages = ('VersionIdsToStages' in found ? found.VersionIdsToStages : undefined) ?? stagesOf(found)
  const current = Object.keys(stages).find((id) => stages[id]?.includes(CURRENT))
  const tags = Object.fromEntries((found.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]))
  const scheduledForDeletion = found.DeletedDate !== undefined
  // The service does not describe versions without a label, but our tag says that one existed.
  const newest = current ?? Object.keys(stages)[0] ?? describedVersion(tags)
  const changed = found.LastChangedDate ?? found.CreatedDate ?? new Date(0)
  return {
    status: statusOf(newest && versionOf(newest, changed), { current, scheduledForDeletion, stages, tags }),
    current,
    scheduledForDeletion,
    stages,
    tags,
  }
}

function statusOf(
  version: StoredVersion | undefined | '',
  { current, scheduledForDeletion, stages, tags }: Omit<AwsSecret, 'status'>,
): CredentialStatus {
  // The secret was created without a value and never got one.
  if (!version) return { status: 'absent' }
  if (scheduledForDeletion || current === undefined || isTombstone(current)) return { status: 'revoked', version }
  const fields = fieldsOf(tags, current)
  const rejectedAt = rejectedAtOf(stages[current])
  const labels = { ...versionLabelsOf(tags, current), ...(rejectedAt && { rejectedAt }) }
  return { status: 'active', version, labels, ...(fields && { fields }) }
}

/** @param createdAt time of this version if the service returns it, else of the secret's last change */
export function versionOf(id: string, createdAt: Date): StoredVersion {
  return { ref: id as VersionRef, label: id.replace(TOMBSTONE, '').slice(0, 8), createdAt }
}

function stagesOf(found: DescribeSecretResponse | SecretListEntry): Readonly<Record<string, readonly string[]>> {
  return ('SecretVersionsToStages' in found ? found.SecretVersionsToStages : undefined) ?? {}
}
