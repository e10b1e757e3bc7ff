import type { AuditEvent } from '../../core/ports/audit-sink.ts'
import type { LogPerson, LogRecord } from './log-record.ts'

type Column = (record: LogRecord) => unknown

/** Every field of an event has a column; a field added to {@link AuditEvent} without one does not compile. */
const COLUMNS = {
  at: ({ at }) => at,
  type: ({ type }) => type,
  outcome: ({ outcome }) => outcome,
  reason: ({ reason }) => reason,
  issuer: ({ owner }) => owner?.issuer,
  user: ({ owner }) => nameOf(owner),
  actor: ({ actor }) => nameOf(actor?.owner) || (actor?.account ?? actor?.kind),
  provider: ({ provider }) => provider,
  version: ({ version }) => version,
  previousVersion: ({ previousVersion }) => previousVersion,
  clientId: ({ clientId }) => clientId,
  clientName: ({ clientName }) => clientName,
  tool: ({ tool }) => tool,
  destination: ({ destination }) => destination,
  status: ({ status }) => status,
  request: ({ request }) => request,
  address: ({ address }) => address,
  pid: ({ pid }) => pid,
  backend: ({ backend }) => backend,
  backendRequestIds: ({ backendRequestIds }) => backendRequestIds?.join(' '),
  correlationId: ({ correlationId }) => correlationId,
  occurredAt: ({ occurredAt }) => occurredAt,
  count: ({ count }) => count,
  late: ({ late }) => late,
  writer: ({ w }) => w,
  seq: ({ seq }) => seq,
  id: ({ id }) => id,
} satisfies { readonly [K in EventColumn]: Column } & Readonly<Record<string, Column>>

/** The owner has two columns, `issuer` and `user`. */
type EventColumn = Exclude<keyof AuditEvent, 'owner'> | 'issuer' | 'user'

export function csvTitle(): string {
  return `${Object.keys(COLUMNS).join(',')}\r\n`
}

/** Writes a record as one line of RFC 4180. */
export function csvLine(record: LogRecord): string {
  return `${Object.values(COLUMNS)
    .map((value) => cell(value(record)))
    .join(',')}\r\n`
}

export function nameOf(person: LogPerson | undefined): string {
  return person?.subject ?? person?.pseudonym ?? ''
}

/** Prefixes with an apostrophe what a spreadsheet would run as a formula. */
function cell(value: unknown): string {
  const text = value === undefined ? '' : String(value)
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
