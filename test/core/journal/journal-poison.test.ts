import { expect, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { createHealth } from '../../../src/core/journal/health.ts'
import { createJournal } from '../../../src/core/journal/journal.ts'
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
