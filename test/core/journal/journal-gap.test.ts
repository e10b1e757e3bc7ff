import { afterEach, expect, test, vi } from 'vitest'
import { createHealth } from '../../../src/core/journal/health.ts'
import { createJournal } from '../../../src/core/journal/journal.ts'
import type { AuditEvent, AuditSink } from '../../../src/core/ports/audit-sink.ts'

afterEach(() => vi.useRealTimers())

const refusal = (correlationId: string): AuditEvent => ({ type: 'form.rejected', outcome: 'denied', correlationId })

function sink(take: (event: AuditEvent) => Promise<void>): AuditSink & { readonly events: AuditEvent[] } {
  const events: AuditEvent[] = []
  return {
    events,
    async append(event) {
      await take(event)
      events.push(event)
      return { writer: 'w', seq: events.length }
    },
    close: async () => {},
  }
}

test('lines that were only counted are told of by a gap as soon as the log works, also when that failed at first', async () => {
  let broken = true
  let failGap = true
  const audit = sink(async ({ type }) => {
    if (broken) throw new Error('x')
    if (type === 'audit.gap' && failGap) {
      failGap = false
      throw new Error('x')
    }
  })
  const warnings: string[] = []
  const journal = createJournal({
    audit,
    health: createHealth(() => {}),
    warn: (message) => void warnings.push(message),
  })
  for (let i = 0; i < 510; i += 1) await journal.note(refusal(`n${i}`))
  broken = false
  // The kept ones are written, and the gap fails.
  await expect(journal.grant({ type: 'credential.resolved', outcome: 'success', correlationId: 'a' })).rejects.toThrow()
  await journal.note(refusal('b'))
  await journal.note(refusal('c'))
  await journal.close()
  expect(warnings.filter((one) => one.includes('lost'))).toEqual([])
  expect(audit.events.map(({ type }) => type)).toContain('audit.gap')
})

test('a gap line that hangs holds nobody up for longer than any other line', async () => {
  vi.useFakeTimers()
  let state: 'broken' | 'works' | 'hangs' = 'broken'
  const audit = sink(async ({ type }) => {
    if (state === 'broken') throw new Error('x')
    if (state === 'hangs' || type === 'audit.gap') {
      state = 'hangs'
      await new Promise(() => {})
    }
  })
  const journal = createJournal({ audit, health: createHealth(() => {}) })
  for (let i = 0; i < 510; i += 1) await journal.note(refusal(`n${i}`))
  state = 'works'
  const settled: string[] = []
  for (const id of ['a', 'b']) {
    void journal.grant({ type: 'credential.resolved', outcome: 'success', correlationId: id }).then(
      () => settled.push(id),
      () => settled.push(id),
    )
    await vi.advanceTimersByTimeAsync(30_000)
  }
  expect(settled).toEqual(['a', 'b'])
})
