import { expect, test } from 'vitest'
import { memoryAudit } from '../../src/audit/memory.ts'
import type { AuditEvent } from '../../src/core/ports/audit-sink.ts'

const event: AuditEvent = { type: 'login.ended', outcome: 'success', correlationId: 'c' }

test('events are kept in order, as they were when they were appended', async () => {
  const audit = memoryAudit()
  expect(await audit.append(event)).toEqual({ writer: 'memory', seq: 1 })
  expect(await audit.append({ ...event, type: 'login.failed' })).toEqual({ writer: 'memory', seq: 2 })
  expect(audit.events.map(({ type }) => type)).toEqual(['login.ended', 'login.failed'])
})

test('it refuses what the real log refuses', async () => {
  const audit = memoryAudit()
  const wrong = { ...event, value: 'x' }
  await expect(audit.append(wrong)).rejects.toThrow(TypeError)
  await audit.close()
  await expect(audit.append(event)).rejects.toMatchObject({ code: 'audit_unavailable' })
  expect(audit.events).toEqual([])
})
