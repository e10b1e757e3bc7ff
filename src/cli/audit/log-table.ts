import { nameOf } from '../../audit/query/csv.ts'
import type { LogRecord } from '../../audit/query/log-record.ts'

export const logColumns = ['time', 'type', 'outcome', 'user', 'provider', 'version', 'by', 'correlation'] as const

export type LogRow = Readonly<Record<(typeof logColumns)[number], string>>

/** One line of the log for people. */
export function logRow(record: LogRecord): LogRow {
  const { at, type, outcome, reason, owner, provider = '', version = '', correlationId = '' } = record
  return {
    time: at,
    type,
    outcome: reason === undefined ? outcome : `${outcome} (${reason})`,
    user: nameOf(owner),
    provider,
    version,
    by: actingFor(record),
    correlation: correlationId,
  }
}

function actingFor({ actor, clientName, clientId, tool, address }: LogRecord): string {
  if (actor?.kind === 'operator') return `operator ${actor.account ?? nameOf(actor.owner)}`.trim()
  if (actor?.kind === 'user') return `user ${nameOf(actor.owner)}`
  if (tool !== undefined) return `${clientName ?? clientId ?? 'client'} / ${tool}`
  return clientName ?? clientId ?? address ?? ''
}
