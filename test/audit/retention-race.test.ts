import { type FileHandle, open, readdir, readlink, unlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { jsonLinesAudit } from '../../src/audit/json-lines.ts'
import { type AuditLogUnderTest, auditLogUnderTest, resolvedEvent } from '../harness/audit-log.ts'

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const OLD = 3

/** A log with closed files of a day long gone, whose oldest but one is removed by another process at the given look at a file. */
async function raced(look: number): Promise<AuditLogUnderTest> {
  const log = await auditLogUnderTest()
  const day = new Date('2025-01-02T03:04:05Z')
  vi.useFakeTimers({ toFake: ['Date'], now: day })
  for (let i = 0; i < OLD; i += 1) await log.write(1)
  vi.useRealTimers()
  const files = await log.files()
  for (const file of files) await utimes(join(log.folder, file), day, day)
  const handle = await open(log.folder, 'r')
  const prototype: FileHandle = Object.getPrototypeOf(handle)
  await handle.close()
  const original = prototype.stat
  let looks = 0
  vi.spyOn(prototype, 'stat').mockImplementation(async function (this: FileHandle) {
    looks += 1
    if (looks === look) await unlink(join(log.folder, files[1] ?? ''))
    return original.call(this)
  })
  return log
}

const openFiles = async (folder: string) => {
  const links = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  )
  return links.filter((link) => link.startsWith(folder)).length
}

test('a file that another process removes for its age at the same time withholds nothing, and leaves nothing behind', async () => {
  const log = await raced(OLD + 1)
  const audit = jsonLinesAudit({ folder: log.folder, key: log.key, keepDays: 30, warn: () => {} })
  const first = await audit.append(resolvedEvent('first')).then(
    () => 'written',
    (error: Error) => error.message,
  )
  // A file is named by its second.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 1_100 })
  await audit.append(resolvedEvent('second'))
  await audit.close()
  const { integrity, kinds } = await log.verdict()
  expect({ first, integrity, kinds, open: await openFiles(log.folder) }).toEqual({
    first: 'written',
    integrity: 'intact',
    kinds: [],
    open: 0,
  })
})
