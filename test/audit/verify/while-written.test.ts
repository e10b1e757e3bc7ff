import { type FileHandle, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { jsonLinesAudit } from '../../../src/audit/json-lines.ts'
import { mergedLines } from '../../../src/audit/query/merged-lines.ts'
import { auditLogUnderTest, resolvedEvent } from '../../harness/audit-log.ts'

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

test('a process whose first line is on its way to the disk is no incomplete log', async () => {
  const log = await auditLogUnderTest()
  await log.write(3)
  const handle = await open(log.folder, 'r')
  const prototype: FileHandle = Object.getPrototypeOf(handle)
  await handle.close()
  const original = prototype.write
  const verdicts: unknown[] = []
  vi.spyOn(prototype, 'write').mockImplementationOnce(async function (this: FileHandle, ...parameters: unknown[]) {
    verdicts.push(await log.verdict({ isRunning: () => true }))
    return Reflect.apply(original, this, parameters)
  })
  const audit = jsonLinesAudit({ folder: log.folder, key: log.key, warn: () => {} })
  await audit.append(resolvedEvent('a'))
  await audit.close()
  expect(verdicts).toEqual([{ integrity: 'intact', completeness: 'complete', kinds: [] }])
})

test('a file that is removed for its age while lines are shown ends nothing', async () => {
  const log = await auditLogUnderTest()
  for (const day of ['2025-01-01', '2025-02-01', '2025-03-01']) {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date(day) })
    await log.write(3)
    vi.useRealTimers()
  }
  const [, second = ''] = await log.files()
  const shown: string[] = []
  for await (const { at } of mergedLines(log.folder)) {
    if (shown.length === 0) await unlink(join(log.folder, second))
    shown.push(at.slice(0, 10))
  }
  expect([...new Set(shown)]).toEqual(['2025-01-01', '2025-03-01'])
})
