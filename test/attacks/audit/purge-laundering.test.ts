import { readFile, rename, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type AuditLogUnderTest, auditLogUnderTest, rechained } from '../../harness/audit-log.ts'

const LONG_AGO = new Date('2020-01-01T00:00:00Z')
const OLD_NAME = 'audit-2020-01-01T00-00-00Z'

/** As an attacker without the key may give any file: an old name and an old date. */
async function age(log: AuditLogUnderTest, file: string): Promise<string> {
  const aged = file.replace(/^audit-.{20}/, OLD_NAME)
  await rename(join(log.folder, file), join(log.folder, aged))
  await utimes(join(log.folder, aged), LONG_AGO, LONG_AGO)
  return aged
}

test("today's file with an old name and date is not removed for its age", async () => {
  const log = await auditLogUnderTest()
  await log.write(20)
  const [file = ''] = await log.files()
  // Somebody saw it.
  await log.write(1)
  const aged = await age(log, file)
  await log.write(1, { keepDays: 30 })
  const { integrity, completeness } = await log.verify()
  const isThere = (await log.files()).includes(aged)
  expect(isThere || integrity === 'tampered' || completeness === 'incomplete').toBe(true)
})

test('a forged old file does not excuse the removal of the true ones', async () => {
  const log = await auditLogUnderTest()
  await log.write(20)
  const [file = ''] = await log.files()
  await log.write(1)
  const whole = await readFile(join(log.folder, file), 'utf8')
  // Two lines in the name of the victim, with hashes made anew and a signature that is none.
  const [first = '', last = ''] = rechained(whole.split('\n').slice(0, 2), { signatures: 'removed' })
  const signed = last.replace(/"\}$/, `","sig":"${'A'.repeat(86)}"}`)
  const forged = rechained([first, signed.replace('"seq":2,', '"seq":99999,')], { signatures: 'kept' })
  const planted = join(log.folder, file.replace(/^audit-.{20}/, OLD_NAME).replace('-0001.', '-0009.'))
  await writeFile(planted, forged.map((line) => `${line}\n`).join(''))
  await utimes(planted, LONG_AGO, LONG_AGO)
  await log.write(1, { keepDays: 30 })
  // It is none of the log's, so the log does not touch it.
  expect(await log.files()).toHaveLength(4)
  await unlink(join(log.folder, file))
  expect(await log.verdict()).toMatchObject({ integrity: 'tampered', completeness: 'incomplete' })
})
