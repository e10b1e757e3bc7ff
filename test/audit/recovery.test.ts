import { spawnSync } from 'node:child_process'
import { type FileHandle, mkdir, open, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { jsonLinesAudit } from '../../src/audit/json-lines.ts'
import { readLogRecord } from '../../src/audit/query/log-record.ts'
import { segmentLines } from '../../src/audit/segments/segment-lines.ts'
import { type AuditLogUnderTest, auditLogUnderTest, resolvedEvent } from '../harness/audit-log.ts'
import { compiled } from '../harness/processes/compile-module.ts'
import { namespace } from '../harness/sealed-file/full-disk.ts'

afterEach(() => vi.restoreAllMocks())

const PATIENCE = { timeout: 60_000, interval: 5 }

/** Correlation ids of every line in every file. */
async function idsIn(log: AuditLogUnderTest): Promise<readonly string[]> {
  const files = (await log.files()).filter((name) => name.endsWith('.jsonl'))
  return files.flatMap((file) =>
    [...segmentLines(join(log.folder, file))].flatMap(({ bytes }) => readLogRecord(bytes)?.correlationId ?? []),
  )
}

/** Appends under load while the file that is being written is harmed four times; resolves to the ids that were acknowledged. */
async function appendWhile(
  log: AuditLogUnderTest,
  harm: (path: string) => Promise<unknown>,
): Promise<readonly string[]> {
  const audit = jsonLinesAudit({ folder: log.folder, key: log.key, warn: () => {} })
  const acknowledged: { readonly id: string; readonly writer: string }[] = []
  let writer = ''
  let go = true
  const lanes = Array.from({ length: 8 }, async (_, lane) => {
    for (let i = 0; go; i += 1) {
      const id = `${lane}-${i}`
      await audit.append(resolvedEvent(id)).then(
        (position) => {
          writer = position.writer
          acknowledged.push({ id, writer })
        },
        () => undefined,
      )
    }
  })
  const harmed = new Set<string>()
  /** Lines that the current writer has written, which goes on after each harm as another one. */
  const written = () => acknowledged.filter((one) => one.writer === writer && !harmed.has(writer)).length
  while (harmed.size < 4) {
    await vi.waitUntil(() => written() >= 20, PATIENCE)
    // One that is ended and deleted is gone; the log can only save what it still holds.
    const current = (await log.files()).find((file) => file.includes(writer) && !file.includes('restored'))
    if (!current) continue
    harmed.add(writer)
    await harm(join(log.folder, current))
  }
  await vi.waitUntil(() => written() >= 20, PATIENCE)
  go = false
  await Promise.all(lanes)
  await audit.close()
  return acknowledged.map(({ id }) => id)
}

test('whatever was acknowledged is there although its file was deleted under load, again and again', async () => {
  const log = await auditLogUnderTest()
  const acknowledged = await appendWhile(log, (path) => unlink(path))
  const there = new Set(await idsIn(log))
  expect(acknowledged.filter((id) => !there.has(id))).toEqual([])
  expect(await log.verdict()).toMatchObject({ integrity: 'intact', completeness: 'complete', kinds: [] })
})

test('whatever was acknowledged is there although its file was replaced under load', async () => {
  const log = await auditLogUnderTest()
  const acknowledged = await appendWhile(log, async (path) => {
    await writeFile(`${path}.new`, 'x\n')
    await rename(`${path}.new`, path)
  })
  const there = new Set(await idsIn(log))
  expect(acknowledged.filter((id) => !there.has(id))).toEqual([])
  // The planted files are a fork and are reported as one.
  expect(await log.verdict()).toMatchObject({ integrity: 'tampered', kinds: ['segment_forked'] })
})

test('a deleted file is restored while nothing is written, too, and at the end', async () => {
  const log = await auditLogUnderTest()
  const audit = jsonLinesAudit({ folder: log.folder, key: log.key, warn: () => {} })
  await audit.append(resolvedEvent('a'))
  const [file = ''] = await log.files()
  await unlink(join(log.folder, file))
  await audit.close()
  expect(await idsIn(log)).toEqual(['a'])
  expect(await log.verdict()).toMatchObject({ integrity: 'intact', completeness: 'complete', kinds: [] })
})

test('as long as a deleted file cannot be restored, nothing more is acknowledged', async () => {
  const log = await auditLogUnderTest()
  const audit = jsonLinesAudit({ folder: log.folder, key: log.key, warn: () => {} })
  await audit.append(resolvedEvent('before'))
  const [file = ''] = await log.files()
  await unlink(join(log.folder, file))
  const handle = await open(log.folder, 'r')
  const prototype: FileHandle = Object.getPrototypeOf(handle)
  await handle.close()
  const spy = vi.spyOn(prototype, 'sync').mockRejectedValue(Object.assign(new Error('x'), { code: 'ENOSPC' }))
  await expect(audit.append(resolvedEvent('meanwhile'))).rejects.toMatchObject({ reason: 'disk_full' })
  await expect(audit.append(resolvedEvent('meanwhile'))).rejects.toMatchObject({ reason: 'disk_full' })
  spy.mockRestore()
  await audit.append(resolvedEvent('after'))
  await audit.close()
  expect([...(await idsIn(log))].sort()).toEqual(['after', 'before'])
  expect(await log.verdict()).toMatchObject({ integrity: 'intact', completeness: 'complete', kinds: [] })
})

test.each(namespace ? ['tmpfs'] : [])(
  'a %s that is mounted read-only withholds, and goes on without a restart',
  async () => {
    const log = await auditLogUnderTest()
    const script = compiled(join(import.meta.dirname, 'read-only-child.ts'))
    await mkdir(join(log.folder, 'disk'))
    const shell = 'mount -t tmpfs tmpfs "$1"; shift; exec "$@"'
    const command = [process.execPath, script, join(log.folder, 'disk')]
    const { stdout, stderr } = spawnSync(
      'unshare',
      [...(namespace ?? []), 'sh', '-c', shell, 'sh', join(log.folder, 'disk'), ...command],
      { encoding: 'utf8', env: { ...process.env, MCP_AUDIT_KEY: log.key } },
    )
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({
      refused: ['write_failed', 'write_failed'],
      ids: ['after'],
      verdict: { integrity: 'intact', completeness: 'complete' },
    })
    await rm(join(log.folder, 'disk'), { recursive: true })
  },
)
