import { expect, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { createHealth } from '../../../src/core/journal/health.ts'
import { createJournal } from '../../../src/core/journal/journal.ts'
import { auditWithTranslatedErrors } from '../../../src/core/journal/translated-errors.ts'
import type { AuditEvent } from '../../../src/core/ports/audit-sink.ts'

test('one line that the log can never take does not withhold all others for ever', async () => {
  const audit = memoryAudit()
  const journal = createJournal({ audit, health: createHealth(() => {}) })
  // As when a backend of somebody's own labels its versions with more than text.
  const event: AuditEvent = { type: 'credential.stored', outcome: 'success', provider: 'jira', correlationId: 'a' }
  await journal.note({ ...event, status: Number.NaN })
  await journal.grant({ type: 'credential.resolved', outcome: 'success', correlationId: 'b' })
  expect(audit.events.map(({ correlationId }) => correlationId)).toContain('b')
})

test('an outage of a log that throws TypeErrors, as fetch does, loses no line', async () => {
  let down = true
  const events: AuditEvent[] = []
  const audit = {
    async append(event: AuditEvent) {
      if (down) throw new TypeError('fetch failed')
      events.push(event)
      return { writer: 'w', seq: events.length }
    },
    close: async () => {},
  }
  const health = createHealth(() => {})
  const journal = createJournal({ audit: auditWithTranslatedErrors(audit), health })
  await journal.note({ type: 'credential.revoked', outcome: 'success', provider: 'jira', correlationId: 'a' })
  expect([...health.problems().keys()]).toEqual(['audit'])
  down = false
  await journal.grant({ type: 'credential.resolved', outcome: 'success', correlationId: 'b' })
  expect(events.map(({ type }) => type)).toEqual(['credential.revoked', 'credential.resolved'])
})
