import { unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { auditLogUnderTest, rechained } from '../../harness/audit-log.ts'

test('files that somebody puts into the folder do not hide from the next process where the true ones ended', async () => {
  const log = await auditLogUnderTest()
  await log.write(20)
  const [file = ''] = await log.files()
  const planted = Array.from(
    { length: 64 },
    (_, i) => `audit-2099-01-01T00-00-00Z-${String(i).padStart(16, '0')}-0001.jsonl`,
  )
  for (const name of planted) await writeFile(join(log.folder, name), '')
  await log.write(1)
  for (const name of [...planted, file]) await unlink(join(log.folder, name))
  expect(await log.verdict()).toMatchObject({ completeness: 'incomplete' })
})

test('a head that nobody signed is not put into the log as one that was seen', async () => {
  const log = await auditLogUnderTest()
  await log.write(3)
  const [file = ''] = await log.files()
  const lines = await log.lines(file)
  const forged = rechained(
    lines.map((line) => line.replace(/"seq":(\d+),/, (_, seq) => `"seq":${Number(seq) + 1000},`)),
    { signatures: 'kept' },
  )
  const planted = file.replace('-0001.', '-0002.')
  await log.replace(forged, planted)
  await log.write(1)
  await unlink(join(log.folder, planted))
  expect(await log.verdict()).toEqual({ integrity: 'intact', completeness: 'complete', kinds: [] })
})
