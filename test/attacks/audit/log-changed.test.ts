import { appendFile, copyFile, readFile, rename, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { type AuditLogUnderTest, auditLogUnderTest, publicKeyOf, rechained } from '../../harness/audit-log.ts'

const MIDDLE = 30

async function writtenLog(): Promise<AuditLogUnderTest> {
  const log = await auditLogUnderTest()
  await log.write(100)
  return log
}

const TAMPERED = { integrity: 'tampered' }

test('an edited line is found, with its place', async () => {
  const log = await writtenLog()
  const lines = await log.lines()
  lines[MIDDLE] = lines[MIDDLE]?.replace('alice', 'carol') ?? ''
  await log.replace(lines)
  expect(await log.verdict()).toMatchObject({ ...TAMPERED, kinds: ['line_changed'] })
  const offset = lines.slice(0, MIDDLE).reduce((sum, line) => sum + line.length + 1, 0)
  expect((await log.verify()).findings[0]).toMatchObject({ line: MIDDLE + 1, offset })
})

test('any single changed byte is found, wherever it is', async () => {
  const log = await writtenLog()
  const [file = ''] = await log.files()
  const path = join(log.folder, file)
  const whole = await readFile(path)
  for (let at = 0; at < whole.length; at += 97) {
    const changed = Buffer.from(whole)
    changed[at] = (whole[at] ?? 0) ^ 1
    await writeFile(path, changed)
    const { integrity } = await log.verify()
    expect(integrity, `byte ${at}`).toBe('tampered')
  }
  await writeFile(path, whole)
  expect(await log.verdict()).toMatchObject({ integrity: 'intact', kinds: [] })
})

test('an edited line with every hash made anew fails at the signatures', async () => {
  const log = await writtenLog()
  const lines = await log.lines()
  lines[MIDDLE] = lines[MIDDLE]?.replace('alice', 'carol') ?? ''
  await log.replace(rechained(lines, { signatures: 'kept' }))
  expect(await log.verdict()).toMatchObject({ ...TAMPERED, kinds: ['signature_invalid'] })
})

test('without its signatures a log made anew is vouched for by nobody', async () => {
  const log = await writtenLog()
  const lines = await log.lines()
  await log.replace(rechained(lines, { signatures: 'removed' }))
  expect(await log.verdict()).toMatchObject(TAMPERED)
  // Nor without the last line, which is always signed.
  await log.replace(rechained(lines.slice(0, -1), { signatures: 'removed' }))
  expect(await log.verdict()).toMatchObject({
    integrity: 'intact',
    completeness: 'incomplete',
    kinds: ['tail_unsigned'],
  })
})

test('a deleted line is found', async () => {
  const log = await writtenLog()
  const lines = await log.lines()
  await log.replace(lines.toSpliced(MIDDLE, 1))
  expect(await log.verdict()).toMatchObject({ ...TAMPERED, kinds: ['chain_broken'] })
})

test('a repeated line and two exchanged ones are found', async () => {
  const log = await writtenLog()
  const lines = await log.lines()
  await log.replace(lines.toSpliced(MIDDLE, 0, lines[MIDDLE] ?? ''))
  expect(await log.verdict()).toMatchObject({ ...TAMPERED, kinds: ['chain_broken'] })
  await log.replace(lines.toSpliced(MIDDLE, 2, lines[MIDDLE + 1] ?? '', lines[MIDDLE] ?? ''))
  expect(await log.verdict()).toMatchObject({ ...TAMPERED, kinds: ['chain_broken'] })
})

test('a tail cut off at a signature is seen as unclosed, and with an anchor as cut', async () => {
  const log = await writtenLog()
  const lines = await log.lines()
  const signed = lines.findIndex((line, i) => i > MIDDLE && line.includes('"sig":'))
  await log.replace(lines.slice(0, signed + 1))
  expect(await log.verdict()).toMatchObject({ integrity: 'intact', completeness: 'incomplete', kinds: ['unclosed'] })
  const anchors = log.checkpoints.map((one) => JSON.stringify(one)).join('\n')
  const kinds = ['tail_cut', 'unclosed']
  expect(await log.verdict({ anchors })).toMatchObject({ integrity: 'intact', completeness: 'incomplete', kinds })
})

test('a tail that was cut off before another process began is seen without an anchor', async () => {
  const log = await writtenLog()
  const [file = ''] = await log.files()
  await log.write(5)
  const lines = await log.lines(file)
  await log.replace(lines.slice(0, lines.findIndex((line) => line.includes('"sig":')) + 1), file)
  expect(await log.verdict({ acceptUnclosed: new Set(['all']) })).toMatchObject({
    completeness: 'incomplete',
    kinds: ['tail_cut'],
  })
})

test('a whole log that was removed is missed by the next one, and by its anchor', async () => {
  const log = await writtenLog()
  const [file = ''] = await log.files()
  await log.write(5)
  await rename(join(log.folder, file), join(log.folder, '..', `${file}.stolen`))
  expect(await log.verdict()).toMatchObject({ completeness: 'incomplete', kinds: ['segment_missing'] })
  await rename(join(log.folder, '..', `${file}.stolen`), join(log.folder, file))
})

test('a write that was cut off is no forgery, and is not vouched for', async () => {
  const log = await writtenLog()
  const lines = await log.lines()
  const [file = ''] = await log.files()
  const signed = lines.findIndex((line, i) => i > MIDDLE && line.includes('"sig":'))
  await log.replace(lines.slice(0, signed + 4))
  await truncate(join(log.folder, file), lines.slice(0, signed + 4).join('\n').length - 20)
  const report = await log.verify()
  expect(report).toMatchObject({ integrity: 'intact', completeness: 'incomplete', lines: signed + 1 })
  expect(report.findings.map(({ kind }) => kind)).toEqual(['tail_unsigned', 'unclosed'])
  expect(report.findings[0]?.detail).toContain('2 whole lines')
})

test('lines signed with another key are nobody known', async () => {
  const log = await writtenLog()
  expect(await log.verdict({ keys: [publicKeyOf(generateKeyText())] })).toMatchObject({
    ...TAMPERED,
    kinds: ['signature_unknown_key'],
  })
  // A forger with a key of their own, among the genuine files.
  await log.write(5, { key: generateKeyText() })
  expect(await log.verdict()).toMatchObject({ ...TAMPERED, kinds: ['signature_unknown_key'] })
})

test('a signature taken from another line does not fit', async () => {
  const log = await writtenLog()
  const lines = await log.lines()
  const signatures = lines.flatMap((line) => /"sig":"([\w-]{86})"/.exec(line)?.[1] ?? [])
  const [first = '', second = ''] = signatures
  await log.replace(lines.map((line) => line.replace(second, first)))
  expect(await log.verdict()).toMatchObject(TAMPERED)
})

test('a file copied under the name of another writer or another part is found', async () => {
  const log = await writtenLog()
  const [file = ''] = await log.files()
  await copyFile(join(log.folder, file), join(log.folder, file.replace(/-[0-9a-f]{16}-/, '-00112233aabbccdd-')))
  expect(await log.verdict()).toMatchObject({ ...TAMPERED, kinds: expect.arrayContaining(['segment_foreign']) })
  const other = await writtenLog()
  const [name = ''] = await other.files()
  await copyFile(join(other.folder, name), join(other.folder, name.replace('-0001.', '-0002.')))
  expect(await other.verdict()).toMatchObject({ ...TAMPERED, kinds: expect.arrayContaining(['chain_broken']) })
})

test('two files that both follow the same one are a fork', async () => {
  const log = await auditLogUnderTest()
  await log.write(600, { maxSegmentBytes: 65_536 })
  const second = (await log.files()).find((name) => name.includes('-0002.')) ?? ''
  const lines = await log.lines(second)
  await copyFile(join(log.folder, second), join(log.folder, second.replace('.jsonl', '-restored-0a0b0c0d.jsonl')))
  expect(await log.verdict()).toMatchObject({ ...TAMPERED, kinds: ['segment_forked'] })
  // Also one that is genuine up to a point.
  await log.replace(lines.slice(0, 3), second.replace('.jsonl', '-restored-0a0b0c0d.jsonl'))
  expect(await log.verdict()).toMatchObject({ ...TAMPERED, kinds: expect.arrayContaining(['segment_forked']) })
})

test('a line of megabytes costs no memory, and is found', async () => {
  const log = await writtenLog()
  const lines = await log.lines()
  await log.replace(lines.toSpliced(MIDDLE, 0, `{"v":1,"w":"${'x'.repeat(20_000_000)}"}`))
  const before = process.memoryUsage().arrayBuffers
  expect(await log.verdict()).toMatchObject({ ...TAMPERED, kinds: ['line_too_long'] })
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8_000_000)
  const [file = ''] = await log.files()
  await log.replace(lines)
  await appendFile(join(log.folder, file), 'x'.repeat(3_000_000))
  expect(await log.verdict()).toMatchObject({ ...TAMPERED, kinds: expect.arrayContaining(['line_too_long']) })
})

test('bytes that are no text are found', async () => {
  const log = await writtenLog()
  const [file = ''] = await log.files()
  const path = join(log.folder, file)
  const whole = await readFile(path)
  const at = whole.indexOf('alice')
  whole.set([0xff, 0xfe, 0x80], at)
  await writeFile(path, whole)
  expect(await log.verdict()).toMatchObject({ ...TAMPERED, kinds: ['line_changed'] })
  await writeFile(path, Buffer.concat([whole.subarray(0, 0), Buffer.from([0xff, 0x0a]), await readFile(path)]))
  expect(await log.verdict()).toMatchObject({ ...TAMPERED, kinds: expect.arrayContaining(['line_malformed']) })
})

test('a forged anchor is not believed', async () => {
  const log = await writtenLog()
  const [first] = log.checkpoints
  const anchors = JSON.stringify({ ...first, seq: 1_000_000, head: 'B'.repeat(43) })
  expect(await log.verdict({ anchors })).toMatchObject({ ...TAMPERED, kinds: ['anchor_invalid'] })
})

test('a log that was begun anew with the true key and other lines differs from its anchor', async () => {
  const log = await writtenLog()
  const other = await writtenLog()
  const anchors = log.checkpoints.map((one) => JSON.stringify(one)).join('\n')
  expect(await other.verdict({ anchors, keys: [publicKeyOf(log.key), publicKeyOf(other.key)] })).toMatchObject({
    completeness: 'incomplete',
    kinds: ['segment_missing'],
  })
})
