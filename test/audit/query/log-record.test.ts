import { expect, test } from 'vitest'
import { auditLineBody } from '../../../src/audit/line/audit-line.ts'
import { csvLine, csvTitle } from '../../../src/audit/query/csv.ts'
import { readLogRecord } from '../../../src/audit/query/log-record.ts'
import type { AuditEvent } from '../../../src/core/ports/audit-sink.ts'

const ANN = { issuer: 'https://id.example.com', subject: 'ann' }

const EVENT: Required<AuditEvent> = {
  type: 'credential.rejected_upstream',
  outcome: 'failure',
  reason: 'timeout',
  owner: ANN,
  actor: { kind: 'operator', account: 'root' },
  provider: 'jira',
  version: '2',
  previousVersion: '1',
  clientId: 'editor',
  clientName: 'Editor',
  tool: 'list_tickets',
  backend: 'vault',
  backendRequestIds: ['r-1', 'r-2'],
  destination: 'https://jira.example.com',
  status: 401,
  request: '0a1b2c3d',
  address: '192.0.2.1',
  pid: 4711,
  correlationId: 'c-1',
  count: 3,
  occurredAt: '2026-11-27T10:00:00.000Z',
  late: true,
}

const line = (event: AuditEvent) => Buffer.from(`{"v":1,"w":"0123456789abcdef"${auditLineBody(event)},"seq":1}`)

test('reads back every field that a line can have', () => {
  expect(readLogRecord(line(EVENT))).toMatchObject(EVENT)
})

test.each(Object.keys(EVENT))('refuses a line whose %s is of another type', (name) => {
  const changed = { ...JSON.parse(line(EVENT).toString()), [name]: { a: 1 } }
  expect(readLogRecord(Buffer.from(JSON.stringify(changed)))).toBeUndefined()
})

test('exports every field that a line can have', () => {
  const record = readLogRecord(line(EVENT))
  const cells = record ? csvLine(record).trimEnd().split(',') : []
  const exported = Object.fromEntries(
    csvTitle()
      .trimEnd()
      .split(',')
      .map((name, i) => [name, cells[i]]),
  )
  const { owner: _, actor: __, backendRequestIds: ___, ...plain } = EVENT
  const text = Object.fromEntries(Object.entries(plain).map(([name, value]) => [name, String(value)]))
  expect(exported).toMatchObject({
    ...text,
    issuer: ANN.issuer,
    user: ANN.subject,
    actor: 'root',
    backendRequestIds: 'r-1 r-2',
  })
})
