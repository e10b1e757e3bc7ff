import type { Sealer } from '../../core/crypto/seal.ts'
import type { Owner } from '../../core/model/owner.ts'
import type { AdminOperations } from '../../core/operations/admin-operations.ts'
import type { CountUse } from '../../core/requests/shared-limits.ts'
import type { BearerParts } from '../http/web-parts.ts'
import type { ScimOptions } from './admin-options.ts'

/** The parts that the admin API uses. It reads no credential's values. */
export interface AdminParts extends BearerParts {
  readonly operations: AdminOperations
  readonly scope: string
  readonly operators: readonly Owner[] | undefined
  readonly requestsPerMinute: number
  /** Counts requests over all replicas. Absent where this process counts for itself. */
  readonly countUse?: CountUse | undefined
  readonly tenants: readonly ScimTenant[]
  readonly sealer: ScimSealer
}

/** One identity provider that provisions by SCIM. */
export interface ScimTenant extends Pick<ScimOptions, 'issuer' | 'subjectFrom'> {
  /** SHA-256 of its bearer token. */
  readonly tokenHash: Uint8Array
}

/** Makes the keys of SCIM ids. */
export type ScimSealer = Pick<Sealer<never, 'scim-id'>, 'mac' | 'macs'>

export const ADMIN_PURPOSES = { seal: [], mac: ['scim-id'] } as const
