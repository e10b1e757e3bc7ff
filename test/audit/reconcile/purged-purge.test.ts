import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { jsonLinesAudit } from '../../../src/audit/json-lines.ts'
import { auditLogUnderTest, resolvedEvent } from '../../harness/audit-log.ts'

afterEach(() => vi.useRealTimers())

test('a server that began shortly before a command removed old files is no witness of a gap a month later', async () => {
  const log = await auditLogUnderTest()
  const seen = new Set<string>()
  const at = async (now: string, work: () => Promise<unknown>) => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date(now) })
    await work()
    vi.useRealTimers()
  }
  /** When its last line was written, as the system would have it. */
  const date = async (when: string) => {
    for (const file of await log.files()) {
      if (!seen.has(file)) await utimes(join(log.folder, file), new Date(when), new Date(when))
      seen.add(file)
    }
  }
  const command = () => log.write(1, { keepDays: 30 })
  await at('2025-01-06T09:30:00Z', command)
  await date('2025-01-06T09:30:00Z')

  const server = jsonLinesAudit({ folder: log.folder, key: log.key, keepDays: 30, warn: () => {} })
  await at('2025-02-05T09:00:00Z', () => server.append(resolvedEvent('morning')))
  const [, ofServer = ''] = await log.files()
  seen.add(ofServer)
  await at('2025-02-05T10:00:00Z', command)
  await date('2025-02-05T10:00:00Z')
  await at('2025-02-05T23:00:00Z', () => server.append(resolvedEvent('evening')))
  await at('2025-02-05T23:00:01Z', () => server.close())
  await utimes(join(log.folder, ofServer), new Date('2025-02-05T23:00:01Z'), new Date('2025-02-05T23:00:01Z'))
  expect(await log.verdict()).toEqual({ integrity: 'intact', completeness: 'complete', kinds: [] })

  await at('2025-03-07T12:00:00Z', command)
  expect(await log.verdict()).toEqual({ integrity: 'intact', completeness: 'complete', kinds: [] })
})
