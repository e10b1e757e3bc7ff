import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { type AuditLogUnderTest, auditLogUnderTest } from '../../harness/audit-log.ts'

afterEach(() => vi.useRealTimers())

/** A process of that day, which removes what is older than 30 days. */
async function runOn(log: AuditLogUnderTest, day: string): Promise<void> {
  const now = new Date(day)
  const known = await log.files()
  vi.useFakeTimers({ toFake: ['Date'], now })
  await log.write(5, { keepDays: 30 })
  vi.useRealTimers()
  for (const file of await log.files()) if (!known.includes(file)) await utimes(join(log.folder, file), now, now)
}

test('an anchor that remembers longer than the log is kept reports nothing that was removed for its age', async () => {
  const log = await auditLogUnderTest()
  const anchors = () => log.checkpoints.map((one) => JSON.stringify(one)).join('\n')
  await runOn(log, '2025-01-01T10:00:00Z')
  await runOn(log, '2025-02-05T10:00:00Z')
  expect(await log.files()).toHaveLength(1)
  expect(await log.verdict({ anchors: anchors() })).toMatchObject({ completeness: 'complete', kinds: [] })
  await runOn(log, '2025-03-10T10:00:00Z')
  expect(await log.files()).toHaveLength(1)
  expect(await log.verdict()).toMatchObject({ completeness: 'complete', kinds: [] })
  expect(await log.verdict({ anchors: anchors() })).toMatchObject({ completeness: 'complete', kinds: [] })
})
