import { link, mkdtemp, rm, symlink, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { jsonLinesAudit } from '../../src/audit/json-lines.ts'
import { auditLogUnderTest, resolvedEvent } from '../harness/audit-log.ts'

test('a deleted file of which a backup holds a hard link is restored all the same', async () => {
  const log = await auditLogUnderTest()
  const backup = await mkdtemp(join(tmpdir(), 'backup-'))
  onTestFinished(() => rm(backup, { recursive: true, force: true }))
  const audit = jsonLinesAudit({ folder: log.folder, key: log.key, warn: () => {} })
  await audit.append(resolvedEvent('a'))
  const [file = ''] = await log.files()
  await link(join(log.folder, file), join(backup, file))
  await unlink(join(log.folder, file))
  await audit.append(resolvedEvent('b'))
  await audit.close()
  expect(await log.verdict()).toEqual({ integrity: 'intact', completeness: 'complete', kinds: [] })
})

test('one file in the folder that cannot be read keeps no process from writing a log of its own', async () => {
  const log = await auditLogUnderTest()
  // Stands for a file of another account, such as one that root's command left: root, as whom tests may run, could read that.
  await symlink('/nonexistent', join(log.folder, 'audit-2026-11-22T10-00-00Z-00112233aabbccdd-0001.jsonl'))
  const audit = jsonLinesAudit({ folder: log.folder, key: log.key, warn: () => {} })
  const answer = await audit.append(resolvedEvent('a')).catch((error: Error) => error.message)
  await audit.close()
  expect(answer).toMatchObject({ seq: 2 })
})
