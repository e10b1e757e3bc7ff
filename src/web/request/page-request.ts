import type { Context } from 'koa'
import type { AuditEvent } from '../../core/ports/audit-sink.ts'

/** One request to the pages. */
export interface PageRequest {
  readonly ctx: Context
  readonly correlationId: string
  readonly address: string
}

/** Returns the audit fields that are the same for all lines of one request. */
export function lineOf({ address, correlationId }: PageRequest): Pick<AuditEvent, 'address' | 'correlationId'> {
  return { address, correlationId }
}
