import type { Owner } from '../../core/model/owner.ts'
import { positionFromText, positionText } from '../../core/ports/audit-position.ts'
import type { AuditPosition } from '../../core/ports/audit-sink.ts'
import type { VersionLabels, WriteIntent } from '../../core/ports/secret-backend.ts'
import { hashedNameLabels } from '../vendor/hashed-name-labels.ts'
import { accountNameIn, accountText, timeOf } from '../vendor/label-texts.ts'

/**
 * Labels in a credential's `custom_metadata`, so that its data are exactly the user's fields. They describe one version: they stay after a
 * rotation by hand and are then ignored.
 *
 * Vault takes at most 64 names of 128 bytes and values of 1 to 512 bytes.
 */
export interface Labels {
  readonly operationId?: string
  readonly fields?: readonly string[]
  readonly audit?: AuditPosition
}

const VERSION = 'mcp-version'
const OPERATION = 'mcp-operation'
const FIELDS = 'mcp-fields'
const AUDIT = 'mcp-audit'
const REVOKED = 'mcp-revoked'
/** Names its own version, e.g. `3 2026-11-27T16:55:00.000Z`: a mark may arrive after a rotation, and describes versions made by hand too. */
const REJECTED = 'mcp-rejected'
const EXPIRES = 'mcp-expires'
const ACCOUNT = 'mcp-account'
const UNVERIFIED = 'mcp-unverified'
const MAX_VALUE = 512
/** Vault refuses other characters. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$/u

type CustomMetadata = Readonly<Record<string, unknown>> | undefined
type Patch = Readonly<Record<string, string | null>>

/** Labels of a new version. They hold the names that the path only has as hashes, or `list` could not show them. */
export function labelsOfWrite(
  version: number,
  written: Pick<WriteIntent, 'operationId' | 'audit' | 'labels'> & { readonly fields: readonly string[] },
  hidden: Partial<Owner>,
): Patch {
  const fields = written.fields.join(' ')
  return {
    [VERSION]: String(version),
    [OPERATION]: written.operationId,
    [FIELDS]: fields.length <= MAX_VALUE ? fields : null,
    [AUDIT]: written.audit ? positionText(written.audit) : null,
    [REVOKED]: null,
    ...describing(written.labels),
    ...hashedNameLabels(hidden, '-', MAX_VALUE),
  }
}

export function labelsOfRevocation(version: number, operationId: string, at: Date): Patch {
  return {
    [VERSION]: String(version),
    [OPERATION]: operationId,
    [FIELDS]: null,
    [REVOKED]: at.toISOString(),
    ...describing({}),
  }
}

export function labelsOfRejection(version: number, at: Date | undefined): Patch {
  return { [REJECTED]: at ? `${version} ${at.toISOString()}` : null }
}

export function isMarkedRevoked(customMetadata: CustomMetadata, version: number): boolean {
  return customMetadata?.[VERSION] === String(version) && typeof customMetadata[REVOKED] === 'string'
}

/** Returns no labels when they describe another version than this one. */
export function labelsOf(customMetadata: CustomMetadata, version: number): Labels {
  if (customMetadata?.[VERSION] !== String(version)) return {}
  const operationId = customMetadata[OPERATION]
  const fields = customMetadata[FIELDS]
  const audit = positionFromText(customMetadata[AUDIT])
  return {
    ...(typeof operationId === 'string' && { operationId }),
    ...(typeof fields === 'string' && { fields: fields.split(' ') }),
    ...(audit && { audit }),
  }
}

/** Returns the operation that wrote the newest version, if its labels say so. */
export function operationOf(found: { readonly customMetadata: CustomMetadata; readonly current: number } | undefined) {
  return found && labelsOf(found.customMetadata, found.current).operationId
}

/** Returns what the labels say of this version. A rejection, and an expiry set by hand, may name the version themselves. */
export function versionLabelsOf(customMetadata: CustomMetadata = {}, version: number): VersionLabels {
  const number = String(version)
  const isDescribed = customMetadata[VERSION] === number
  const rejectedAt = timeOf(customMetadata[REJECTED], number, false)
  const expiresAt = timeOf(customMetadata[EXPIRES], number, isDescribed)
  const accountName = isDescribed ? accountNameIn(customMetadata[ACCOUNT]) : undefined
  return {
    ...(rejectedAt && { rejectedAt }),
    ...(expiresAt && { expiresAt }),
    ...(accountName !== undefined && { accountName }),
    ...(isDescribed && customMetadata[UNVERIFIED] === 'true' && { unverified: true }),
  }
}

/** Replaces all labels that describe the version before. */
function describing({ expiresAt, accountName, unverified }: WriteIntent['labels'] & object = {}): Patch {
  return {
    [REJECTED]: null,
    [EXPIRES]: expiresAt?.toISOString() ?? null,
    [ACCOUNT]: accountText(accountName, PRINTABLE, MAX_VALUE) ?? null,
    [UNVERIFIED]: unverified ? 'true' : null,
  }
}
