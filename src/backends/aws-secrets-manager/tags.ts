import type { Tag } from '@aws-sdk/client-secrets-manager'
import type { Owner } from '../../core/model/owner.ts'
import { positionFromText, positionText } from '../../core/ports/audit-position.ts'
import type { AuditPosition } from '../../core/ports/audit-sink.ts'
import type { VersionLabels, WriteIntent } from '../../core/ports/secret-backend.ts'
import { hashedNameLabels } from '../vendor/hashed-name-labels.ts'
import { accountNameIn, accountText, timeOf } from '../vendor/label-texts.ts'

/**
 * Tags that we keep on a secret. `mcp:version` says which version they describe: they stay after a rotation by hand and are then ignored. A
 * tag's value has at most 256 letters, digits, spaces and `_.:/=+-@`.
 */
const VERSION = 'mcp:version'
const FIELDS = 'mcp:fields'
const AUDIT = 'mcp:audit'
const EXPIRES = 'mcp:expires'
const ACCOUNT = 'mcp:account'
const UNVERIFIED = 'mcp:unverified'
const MAX_VALUE = 256
const PLAIN = /^[A-Za-z0-9 _.:/=+@-]+$/

export function tagsOfWrite(
  versionId: string,
  written: Pick<WriteIntent, 'audit' | 'labels'> & { readonly fields: readonly string[] },
  hidden: Partial<Owner>,
): Tag[] {
  const fields = written.fields.join(' ')
  const { expiresAt, accountName, unverified } = written.labels ?? {}
  return tags({
    [VERSION]: versionId,
    // A missing or too long value is written as an empty tag, so that the previous version's tag does not stay.
    [FIELDS]: fields.length <= MAX_VALUE ? fields : '',
    [AUDIT]: written.audit ? positionText(written.audit) : '',
    [EXPIRES]: expiresAt?.toISOString() ?? '',
    [ACCOUNT]: accountText(accountName, PLAIN, MAX_VALUE) ?? '',
    [UNVERIFIED]: unverified ? 'true' : '',
    ...hashedNameLabels(hidden, ':', MAX_VALUE),
  })
}

export function tags(values: Readonly<Record<string, string>>): Tag[] {
  return Object.entries(values).map(([Key, Value]) => ({ Key, Value }))
}

export function fieldsOf(found: Readonly<Record<string, string>>, versionId: string): readonly string[] | undefined {
  const fields = found[FIELDS]
  return found[VERSION] === versionId && fields ? fields.split(' ') : undefined
}

/** Returns the audit line that announced this version, or undefined when the tags describe another version. */
export function auditOf(found: Readonly<Record<string, string>>, versionId: string): AuditPosition | undefined {
  return found[VERSION] === versionId ? positionFromText(found[AUDIT]) : undefined
}

/** Returns what the tags say of this version. An expiry that was set by hand may name the version itself. */
export function versionLabelsOf(found: Readonly<Record<string, string>>, versionId: string): VersionLabels {
  const isDescribed = found[VERSION] === versionId
  const expiresAt = timeOf(found[EXPIRES], versionId, isDescribed)
  const accountName = isDescribed ? accountNameIn(found[ACCOUNT]) : undefined
  return {
    ...(expiresAt && { expiresAt }),
    ...(accountName !== undefined && { accountName }),
    ...(isDescribed && found[UNVERIFIED] === 'true' && { unverified: true }),
  }
}

/** Returns the version that the tags describe, even if it is no longer current. */
export function describedVersion(found: Readonly<Record<string, string>>): string | undefined {
  return found[VERSION]
}
