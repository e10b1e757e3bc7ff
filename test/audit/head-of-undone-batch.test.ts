import { type FileHandle, open } from 'node:fs/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { jsonLinesAudit } from '../../src/audit/json-lines.ts'
import { auditLogUnderTest, resolvedEvent } from '../harness/audit-log.ts'

afterEach(() => vi.restoreAllMocks())

test('a batch that another process saw, and that was taken back since it could not be synced, is no cut tail', async () => {
  const log = await auditLogUnderTest()
  const handle = await open(log.folder, 'r')
  const prototype: FileHandle = Object.getPrototypeOf(handle)
  await handle.close()
  const audit = jsonLinesAudit({ folder: log.folder, key: log.key, warn: () => {} })
  await audit.append(resolvedEvent('a'))
  vi.spyOn(prototype, 'datasync').mockImplementationOnce(async () => {
    await log.write(1)
    throw Object.assign(new Error('x'), { code: 'EIO' })
  })
  await expect(audit.append(resolvedEvent('b'))).rejects.toMatchObject({ reason: 'write_failed' })
  await audit.append(resolvedEvent('c'))
  await audit.close()
  expect(await log.verdict()).toEqual({ integrity: 'intact', completeness: 'complete', kinds: [] })
})
