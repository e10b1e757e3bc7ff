import type { KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createJsonLines } from '../../../src/audit/json-lines.ts'
import { auditKeys } from '../../../src/audit/line/audit-keys.ts'
import { generateKeyText, parseKey } from '../../../src/core/crypto/key-text.ts'
import { type AuditLogUnderTest, auditLogUnderTest } from '../../harness/audit-log.ts'

const keysOf = (text: string) => auditKeys(parseKey(text, 'the test'))
const next = generateKeyText()
let log: AuditLogUnderTest
let old: { readonly public: string; readonly verifying: KeyObject }
const { publicKey: nextPublic, verifyingKey: nextVerifying } = keysOf(next)

/** Steps 1 and 2 of a change, each with a process of its own. */
beforeEach(async () => {
  log = await auditLogUnderTest()
  old = { public: keysOf(log.key).publicKey, verifying: keysOf(log.key).verifyingKey }
  await log.write(3)
  await log.write(3, { acceptedKeys: [next] })
  await log.write(3, { key: next, acceptedKeys: [log.key] })
})

async function retire(): Promise<void> {
  const audit = createJsonLines({ folder: log.folder, key: next, acceptedKeys: [log.key], warn: () => {} })
  await audit.retireKey(old.verifying)
  await audit.close()
}

const both = () => ({ keys: [nextVerifying, old.verifying] })
const kinds = async (keys: readonly KeyObject[]) => (await log.verify({ keys })).findings.map(({ kind }) => kind)

describe('a log that spans a change of keys', () => {
  test('is intact with both keys, in either order, and names the key that can still sign', async () => {
    expect(await log.verdict(both())).toEqual({ integrity: 'intact', completeness: 'complete', kinds: [] })
    const { findings, keys } = await log.verify({ keys: [old.verifying, nextVerifying] })
    expect(findings).toEqual([
      expect.objectContaining({ kind: 'key_not_retired', detail: expect.stringContaining(old.public) }),
    ])
    expect(keys).toHaveLength(2)
    expect(keys).toEqual(
      expect.arrayContaining([
        { key: old.public, writers: 2, retiredAt: undefined },
        { key: nextPublic, writers: 1, retiredAt: undefined },
      ]),
    )
  })

  test('its record of the change names both keys, and is signed with the new one over the old ends', async () => {
    const newest = (await log.files()).map(
      async (file) => (await readFile(join(log.folder, file), 'utf8')).split('\n')[0],
    )
    const opened = (await Promise.all(newest))
      .map((line) => JSON.parse(line ?? ''))
      .find(({ key }) => key === nextPublic)
    expect(opened).toMatchObject({ type: 'audit.opened', acceptedKeys: [old.public] })
    expect(opened.heads).toHaveLength(2)
  })

  test.each([
    ['closed by anchors', true],
    ['without anchors', false],
  ])('%s', async (_, anchored) => {
    const anchors = anchored ? { anchors: log.checkpoints.map((one) => JSON.stringify(one)).join('\n') } : {}
    expect(await log.verdict({ ...both(), ...anchors })).toMatchObject({ integrity: 'intact', kinds: [] })
    expect(await log.verdict({ keys: [nextVerifying], ...anchors })).toMatchObject({ integrity: 'intact' })
  })

  test('retirement is on the record', async () => {
    await retire()
    expect(await log.verdict(both())).toEqual({ integrity: 'intact', completeness: 'complete', kinds: [] })
    const { keys, findings } = await log.verify(both())
    expect(findings).toEqual([])
    expect(keys.find(({ key }) => key === old.public)?.retiredAt).toMatch(/^20/)
  })
})

describe('a key that the auditor does not pass', () => {
  test('is named with its files, and is no tampering', async () => {
    const { integrity, completeness, findings } = await log.verify({ keys: [nextVerifying] })
    expect([integrity, completeness]).toEqual(['intact', 'incomplete'])
    const missing = findings.filter(({ kind }) => kind === 'key_missing')
    expect(missing.map(({ file }) => file)).toHaveLength(2)
    for (const { detail } of missing) expect(detail).toContain(old.public)
  })

  test('is still tampering when no line of the log names it', async () => {
    await log.write(2, { key: generateKeyText() })
    expect(await kinds([nextVerifying])).toContain('signature_unknown_key')
  })

  test('does not excuse changed lines', async () => {
    const [first = ''] = await log.files()
    const lines = await log.lines(first)
    await log.replace([...lines.slice(0, 2), (lines[2] ?? '').replace('n1', 'n7'), ...lines.slice(3)], first)
    expect(await kinds([nextVerifying])).toContain('line_changed')
  })
})

test('files of an accepted key expire while it is listed, and are kept when it is not', async () => {
  const later = { toFake: ['Date' as const], now: Date.now() + 40 * 24 * 3_600_000 }
  onTestFinished(() => void vi.useRealTimers())
  vi.useFakeTimers(later)
  await log.write(1, { key: next, keepDays: 30 })
  expect(await log.files()).toHaveLength(3)
  await log.write(1, { key: next, acceptedKeys: [log.key], keepDays: 30 })
  expect(await log.files()).toHaveLength(2)
  vi.useRealTimers()
  expect(await log.verdict(both())).toEqual({ integrity: 'intact', completeness: 'complete', kinds: [] })
})

test('a file that a process with the old key removes for its age stays explained, before and after the retirement', async () => {
  onTestFinished(() => void vi.useRealTimers())
  const begun = Date.now() - 40 * 24 * 3_600_000
  const onDay = (day: number) => vi.useFakeTimers({ toFake: ['Date'], now: begun + day * 24 * 3_600_000 })
  const other = await auditLogUnderTest()
  const first = keysOf(other.key).verifyingKey
  const keys = [nextVerifying, first]
  onDay(0)
  await other.write(3)
  onDay(25)
  await other.write(3, { key: next, acceptedKeys: [other.key] })
  onDay(35)
  await other.write(3, { acceptedKeys: [next], keepDays: 30 })
  vi.useRealTimers()
  expect(await other.files()).toHaveLength(2)
  expect(await other.verdict({ keys })).toEqual({ integrity: 'intact', completeness: 'complete', kinds: [] })
  const audit = createJsonLines({ folder: other.folder, key: next, acceptedKeys: [other.key], warn: () => {} })
  await audit.retireKey(first)
  await audit.close()
  expect(await other.verdict({ keys })).toEqual({ integrity: 'intact', completeness: 'complete', kinds: [] })
})

test('a retired key that is given first is told from the current one', async () => {
  await retire()
  const { findings } = await log.verify({ keys: [old.verifying, nextVerifying] })
  const [retired] = findings.filter(({ kind }) => kind === 'key_retired')
  expect(retired?.detail).toContain(`If ${nextPublic} is the current key, give it first`)
})

test('a current key that has signed nothing yet is a finding, as its files may have been removed', async () => {
  const unused = keysOf(generateKeyText())
  const { findings } = await log.verify({ keys: [unused.verifyingKey, ...both().keys] })
  expect(findings.filter(({ severity }) => severity === 'incomplete')).toEqual([
    expect.objectContaining({ kind: 'current_key_unseen', detail: expect.stringContaining(unused.publicKey) }),
  ])
})
