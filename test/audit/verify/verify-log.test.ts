import { appendFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { jsonLinesAudit } from '../../../src/audit/json-lines.ts'
import { auditLogUnderTest, resolvedEvent } from '../../harness/audit-log.ts'

const FINE = { integrity: 'intact', completeness: 'complete', kinds: [] }

test('a closed log is intact and complete, with anchors too', async () => {
  const log = await auditLogUnderTest()
  await log.write(100)
  const report = await log.verify()
  expect(report).toMatchObject({ integrity: 'intact', completeness: 'complete', lines: 102, findings: [] })
  expect(report.writers).toMatchObject([{ files: 1, lines: 102, state: 'closed' }])
  expect(log.checkpoints.length).toBeGreaterThan(2)
  const anchors = log.checkpoints.map((one) => JSON.stringify(one)).join('\n')
  expect(await log.verdict({ anchors })).toEqual(FINE)
})

test('several chains, each of several files, are one log', async () => {
  const log = await auditLogUnderTest()
  await log.write(600, { maxSegmentBytes: 65_536 })
  await log.write(600, { maxSegmentBytes: 65_536 })
  const files = await log.files()
  expect(files.length).toBeGreaterThan(6)
  for (const file of files) expect((await stat(join(log.folder, file))).size).toBeLessThan(75_000)
  expect(await log.verdict()).toEqual(FINE)
  const { lines, writers } = await log.verify()
  expect(writers).toHaveLength(2)
  expect(lines).toBe(1200 + files.length + 2)
})

test('a chain whose process was killed is intact and incomplete, until somebody says that it is known', async () => {
  const log = await auditLogUnderTest()
  await log.write(20)
  await log.replace((await log.lines()).slice(0, 11))
  const report = await log.verify()
  expect(report).toMatchObject({ integrity: 'intact', completeness: 'incomplete' })
  expect(report.findings).toMatchObject([{ kind: 'unclosed' }])
  const writer = report.writers[0]?.writer ?? ''
  expect(await log.verdict({ acceptUnclosed: new Set([writer]) })).toEqual(FINE)
  expect(await log.verdict({ acceptUnclosed: new Set(['all']) })).toEqual(FINE)
  expect(await log.verdict({ isRunning: () => true })).toEqual(FINE)
  expect(await log.verdict({ acceptUnclosed: new Set(['0123456789abcdef']) })).toMatchObject({ kinds: ['unclosed'] })
})

test('a file that the retention removed is no gap, and one that somebody removed is', async () => {
  const log = await auditLogUnderTest()
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2025-01-02T03:04:05Z') })
  await log.write(10)
  vi.useRealTimers()
  const [old = ''] = await log.files()
  await log.write(600, { maxSegmentBytes: 65_536 })
  const second = (await log.files()).find((file) => file.includes('-0002.')) ?? ''
  await log.write(10, { keepDays: 30 })
  expect(await log.files()).not.toContain(old)
  expect(await log.verdict()).toEqual(FINE)
  expect((await log.verify()).findings).toMatchObject([{ kind: 'segment_purged', file: old }])
  await rm(join(log.folder, second))
  expect(await log.verdict()).toMatchObject({
    integrity: 'intact',
    completeness: 'incomplete',
    kinds: ['segment_missing'],
  })
})

test('a day that ends while a process runs ends its file, and the next goes on with the chain', async () => {
  const log = await auditLogUnderTest()
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-22T23:59:59.900Z') })
  try {
    const audit = jsonLinesAudit({ folder: log.folder, key: log.key, warn: () => {} })
    const first = await audit.append(resolvedEvent('before midnight'))
    vi.setSystemTime(new Date('2026-11-23T00:00:00.100Z'))
    const second = await audit.append(resolvedEvent('after midnight'))
    await audit.close()
    expect(second).toEqual({ writer: first.writer, seq: first.seq + 2 })
  } finally {
    vi.useRealTimers()
  }
  const files = await log.files()
  expect(files).toMatchObject([expect.stringMatching(/2026-11-22.*-0001/), expect.stringMatching(/2026-11-23.*-0002/)])
  expect((await log.lines(files[0])).at(-1)).toContain(
    '"type":"audit.segment_closed","outcome":"success","reason":"day"',
  )
  expect(await log.verdict()).toEqual(FINE)
})

test('a clock that was set back and files of others are noted, and are no fault', async () => {
  const log = await auditLogUnderTest()
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-22T10:00:00Z') })
  try {
    await log.write(1, {
      anchor: { publish: () => vi.setSystemTime(new Date('2026-11-22T09:00:00Z')), close: async () => {} },
      anchorLines: 1,
    })
  } finally {
    vi.useRealTimers()
  }
  await appendFile(join(log.folder, 'notes.txt'), 'x')
  expect(await log.verdict()).toEqual(FINE)
  expect((await log.verify()).findings.map(({ kind }) => kind)).toEqual(['clock_backwards', 'unknown_file'])
})
