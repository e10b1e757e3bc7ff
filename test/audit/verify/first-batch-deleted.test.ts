import { type FileHandle, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { jsonLinesAudit } from '../../../src/audit/json-lines.ts'
import { auditLogUnderTest, resolvedEvent } from '../../harness/audit-log.ts'

afterEach(() => vi.restoreAllMocks())

test('a file deleted under its very first batch, and restored at the second attempt, leaves a complete log', async () => {
  const log = await auditLogUnderTest()
  const handle = await open(log.folder, 'r')
  const prototype: FileHandle = Object.getPrototypeOf(handle)
  await handle.close()
  const datasync = prototype.datasync
  vi.spyOn(prototype, 'datasync').mockImplementationOnce(async function (this: FileHandle) {
    const [file = ''] = await log.files()
    await unlink(join(log.folder, file))
    vi.spyOn(prototype, 'sync').mockRejectedValueOnce(Object.assign(new Error('x'), { code: 'ENOSPC' }))
    return datasync.call(this)
  })
  const audit = jsonLinesAudit({ folder: log.folder, key: log.key, warn: () => {} })
  await expect(audit.append(resolvedEvent('a'))).rejects.toMatchObject({ reason: 'disk_full' })
  await audit.append(resolvedEvent('b'))
  await audit.close()
  expect(await log.verdict()).toEqual({ integrity: 'intact', completeness: 'complete', kinds: [] })
})
