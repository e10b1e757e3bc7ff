import type { LogPerson, LogRecord } from './log-record.ts'

const COLUMNS: Readonly<Record<string, (record: LogRecord) => unknown>> = {
  at: ({ at }) => at,
  type: ({ type }) => type,
  outcome: ({ outcome }) => outcome,
  reason: ({ reason }) => reason,
  issuer: ({ owner }) => owner?.issuer,
  user: ({ owner }) => nameOf(owner),
  actor: ({ actor }) => (actor?.kind === 'user' ? nameOf(actor.owner) : (actor?.account ?? actor?.kind)),
  provider: ({ provider }) => provider,
  version: ({ version }) => version,
  previousVersion: (record) => record['previousVersion'],
  clientId: ({ clientId }) => clientId,
  clientName: ({ clientName }) => clientName,
  tool: ({ tool }) => tool,
  destination: (record) => record['destination'],
  status: (record) => record['status'],
  request: (record) => record['request'],
  address: ({ address }) => address,
  backend: ({ backend }) => backend,
  backendRequestIds: ({ backendRequestIds }) => backendRequestIds?.join(' '),
  correlationId: ({ correlationId }) => correlationId,
  occurredAt: (record) => record['occurredAt'],
  writer: ({ w }) => w,
  seq: ({ seq }) => seq,
  id: ({ id }) => id,
}

export function csvTitle(): string {
  return `${Object.keys(COLUMNS).join(',')}\r\n`
}

/** One line of RFC 4180. */
export function csvLine(record: LogRecord): string {
  return `${Object.values(COLUMNS)
    .map((value) => cell(value(record)))
    .join(',')}\r\n`
}

export function nameOf(person: LogPerson | undefined): string {
  return person?.subject ?? person?.pseudonym ?? ''
}

/** Makes text of a value that a spreadsheet would interpret as a formula. */
function cell(value: unknown): string {
  const text = value === undefined ? '' : String(value)
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
