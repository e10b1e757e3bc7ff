import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { createHealth } from '../../../src/core/journal/health.ts'
import { createJournal } from '../../../src/core/journal/journal.ts'
import type { AuditEvent } from '../../../src/core/ports/audit-sink.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const refusal = (address: string): AuditEvent => ({
  type: 'login.failed',
  outcome: 'failure',
  reason: 'login_cookie',
  actor: { kind: 'anonymous' },
  address,
  correlationId: 'x',
})

function journalOf(append = async () => {}) {
  const audit = memoryAudit()
  const sink = {
    ...audit,
    append: async (event: AuditEvent) => {
      await append()
      return audit.append(event)
    },
  }
  return { audit, journal: createJournal({ audit: sink, health: createHealth(() => {}) }) }
}

test('beyond 60 lines of one address there is one counted line a minute, and then lines again', async () => {
  const { audit, journal } = journalOf()
  for (let i = 0; i < 100; i += 1) await journal.note(refusal('192.0.2.1'))
  await journal.note(refusal('192.0.2.2'))
  expect(audit.events).toHaveLength(61)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(audit.events.at(-1)).toEqual({
    type: 'refusals.counted',
    outcome: 'denied',
    actor: { kind: 'anonymous' },
    count: 40,
    correlationId: 'refusals-counted',
  })
  await vi.advanceTimersByTimeAsync(600_000)
  expect(audit.events).toHaveLength(62)
  await journal.note(refusal('192.0.2.1'))
  expect(audit.events).toHaveLength(63)
})

test('a /56 of IPv6 has four times the lines of one address, and all strangers together 600', async () => {
  const { audit, journal } = journalOf()
  for (let i = 0; i < 256; i += 1) await journal.note(refusal(`2001:db8:0:${i.toString(16)}::1`))
  expect(audit.events).toHaveLength(240)
  for (let i = 0; i < 700; i += 1) await journal.note(refusal(`10.0.${i >> 8}.${i & 255}`))
  expect(audit.events).toHaveLength(600)
  await journal.close()
  expect(audit.events.at(-1)).toMatchObject({ count: 16 + 340 })
})

test('what somebody answers for is always written', async () => {
  const { audit, journal } = journalOf()
  const owner = { issuer: 'https://login.example.com', subject: 'alice' }
  for (let i = 0; i < 700; i += 1) {
    await journal.note({ type: 'form.rejected', outcome: 'denied', owner, address: '192.0.2.1', correlationId: 'x' })
  }
  expect(audit.events).toHaveLength(700)
})

test('a counted line that the log cannot take is kept and written late', async () => {
  let broken = false
  const { audit, journal } = journalOf(async () => {
    if (broken) throw new Error('x')
  })
  for (let i = 0; i < 70; i += 1) await journal.note(refusal('192.0.2.1'))
  broken = true
  await vi.advanceTimersByTimeAsync(60_000)
  broken = false
  await journal.close()
  expect(audit.events.at(-1)).toMatchObject({ type: 'refusals.counted', count: 10, late: true })
})
