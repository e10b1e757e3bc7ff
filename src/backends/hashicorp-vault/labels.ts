import type { Owner } from '../../core/model/owner.ts'
import { positionFromText, positionText } from '../../core/ports/audit-position.ts'
import type { AuditPosition } from '../../core/ports/audit-sink.ts'
import { hashedNameLabels } from '../vendor/hashed-name-labels.ts'

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
const MAX_VALUE = 512

type Patch = Readonly<Record<string, string | null>>

/** Labels of a new version. They hold the names that the path only has as hashes, or `list` could not show them. */
export function labelsOfWrite(
  version: number,
  written: { readonly operationId: string; readonly fields: readonly string[]; readonly audit: AuditPosition },
  hidden: Partial<Owner>,
): Patch {
  const fields = written.fields.join(' ')
  return {
    [VERSION]: String(version),
    [OPERATION]: written.operationId,
    [FIELDS]: fields.length <= MAX_VALUE ? fields : null,
    [AUDIT]: positionText(written.audit),
    [REVOKED]: null,
    ...hashedNameLabels(hidden, '-', MAX_VALUE),
  }
}

export function labelsOfRevocation(version: number, operationId: string, at: Date): Patch {
  return { [VERSION]: String(version), [OPERATION]: operationId, [FIELDS]: null, [REVOKED]: at.toISOString() }
}

export function isMarkedRevoked(
  customMetadata: Readonly<Record<string, unknown>> | undefined,
  version: number,
): boolean {
  return customMetadata?.[VERSION] === String(version) && typeof customMetadata[REVOKED] === 'string'
}

/** Returns no labels when they describe another version than this one. */
export function labelsOf(customMetadata: Readonly<Record<string, unknown>> | undefined, version: number): Labels {
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
