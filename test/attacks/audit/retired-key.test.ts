import { randomBytes } from 'node:crypto'
import { appendFile, readdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { createJsonLines } from '../../../src/audit/json-lines.ts'
import { newChain, sealBatch } from '../../../src/audit/line/audit-chain.ts'
import { type AuditKeys, auditKeys } from '../../../src/audit/line/audit-keys.ts'
import { readSealedLine } from '../../../src/audit/line/chained-line.ts'
import { logLineBody } from '../../../src/audit/line/log-events.ts'
import { segmentName } from '../../../src/audit/segments/segment-name.ts'
import { generateKeyText, parseKey } from '../../../src/core/crypto/key-text.ts'
import { type AuditLogUnderTest, auditLogUnderTest, resolvedEvent } from '../../harness/audit-log.ts'

const current = generateKeyText()
const keysOf = (text: string) => auditKeys(parseKey(text, 'the test'))
let log: AuditLogUnderTest
let stolen: AuditKeys
let keys: { keys: AuditKeys['verifyingKey'][] }

/** A change of keys that is complete: the attacker holds the retired key and may write to the folder. */
beforeEach(async () => {
  log = await auditLogUnderTest()
  stolen = keysOf(log.key)
  keys = { keys: [keysOf(current).verifyingKey, stolen.verifyingKey] }
  await log.write(10)
  const audit = createJsonLines({ folder: log.folder, key: current, acceptedKeys: [log.key], warn: () => {} })
  await audit.retireKey(stolen.verifyingKey)
  await audit.close()
  expect(await log.verdict(keys)).toMatchObject({ integrity: 'intact', completeness: 'complete' })
})

async function fileOf(key: string): Promise<string> {
  for (const file of await readdir(log.folder)) {
    const [first = ''] = (await readFile(join(log.folder, file), 'utf8')).split('\n')
    if (JSON.parse(first).key === key) return join(log.folder, file)
  }
  throw new Error('no file of this key')
}

/** Appends lines to a file as its writer would, signed with the stolen key. */
async function append(path: string): Promise<void> {
  const last = (await readFile(path, 'utf8')).split('\n').at(-2) ?? ''
  const line = readSealedLine(Buffer.from(last))
  if (!line) throw new Error('no line')
  const { writer, seq, hash, link, signature } = line
  const { text } = sealBatch({ writer, seq, hash, link, signature }, [logLineBody({ type: 'audit.closed' })], stolen)
  await appendFile(path, text)
}

/** Adds a file in which the owner of `by` retires a key. */
async function forgeRetirement(key: string, by: AuditKeys, opened = by.publicKey): Promise<void> {
  const writer = randomBytes(8).toString('hex')
  const bodies = [
    logLineBody({ type: 'audit.opened', key: opened, host: 'h', pid: 1, segments: 0, heads: [] }),
    logLineBody({ type: 'audit.key_retired', key, heads: [] }),
    logLineBody({ type: 'audit.closed' }),
  ]
  await writeFile(join(log.folder, segmentName(new Date(), writer, 1)), sealBatch(newChain(writer), bodies, by).text)
}

test('a process with the retired key starts no chain, whatever it lists', async () => {
  for (const acceptedKeys of [[], [current]]) {
    const audit = createJsonLines({ folder: log.folder, key: log.key, acceptedKeys, warn: () => {} })
    await expect(audit.open?.(undefined)).rejects.toMatchObject({
      code: 'configuration_invalid',
      reason: 'key_retired',
      message: expect.stringContaining('MCP_AUDIT_KEY_FILE'),
    })
    await expect(audit.append(resolvedEvent('n1'))).rejects.toMatchObject({
      code: 'audit_unavailable',
      message: expect.stringContaining('was retired at'),
    })
    await audit.close()
  }
  expect(await log.verdict(keys)).toEqual({ integrity: 'intact', completeness: 'complete', kinds: [] })
})

test('a retirement that its own key did not sign stops no process', async () => {
  const { publicKey } = keysOf(current)
  await forgeRetirement(publicKey, keysOf(current))
  await forgeRetirement(publicKey, stolen, keysOf(generateKeyText()).publicKey)
  await log.write(1, { key: current, acceptedKeys: [log.key] })
})

test('a retirement by a key that nobody listed stops the process, which names its file, and is found', async () => {
  const known = await log.files()
  await forgeRetirement(keysOf(current).publicKey, keysOf(generateKeyText()))
  const planted = (await log.files()).find((file) => !known.includes(file)) ?? 'none'
  await expect(log.write(1, { key: current })).rejects.toThrow(planted)
  expect(await log.verdict(keys)).toMatchObject({ integrity: 'tampered', kinds: ['signature_unknown_key'] })
  await unlink(join(log.folder, planted))
  await log.write(1, { key: current })
})

test('a new file signed with the retired key is found', async () => {
  await log.smuggle(2)
  expect(await log.verdict(keys)).toMatchObject({ integrity: 'tampered', kinds: ['key_retired'] })
})

test('lines appended to an old file with the retired key are found', async () => {
  await append(await fileOf(stolen.publicKey))
  expect(await log.verdict(keys)).toMatchObject({ integrity: 'tampered', kinds: ['key_retired'] })
})

test('lines appended to a file of the current key are found', async () => {
  await append(await fileOf(keysOf(current).publicKey))
  expect((await log.verdict(keys)).kinds).toContain('segment_other_key')
})

test('an old file written anew with the retired key is found', async () => {
  const path = await fileOf(stolen.publicKey)
  const file = path.slice(log.folder.length + 1)
  const writer = /Z-([0-9a-f]{16})-/.exec(file)?.[1] ?? ''
  const body = logLineBody({ type: 'audit.opened', key: stolen.publicKey, host: 'h', pid: 1, segments: 0, heads: [] })
  const end = logLineBody({ type: 'audit.closed' })
  const bodies = [body, ...Array.from({ length: 10 }, () => end), end]
  await log.replace(sealBatch(newChain(writer), bodies, stolen).text.trimEnd().split('\n'), file)
  expect((await log.verdict(keys)).kinds).toContain('head_differs')
})

test('an old file that is cut or removed is found', async () => {
  const path = await fileOf(stolen.publicKey)
  const file = path.slice(log.folder.length + 1)
  const lines = await log.lines(file)
  const signed = lines.slice(0, -1).findLastIndex((line) => line.includes('"sig":"'))
  await log.replace(lines.slice(0, signed + 1), file)
  expect(await log.verdict(keys)).toMatchObject({ completeness: 'incomplete' })
})

test('the retired key cannot retire the current one unseen', async () => {
  await forgeRetirement(keysOf(current).publicKey, stolen)
  expect((await log.verdict(keys)).kinds).toContain('key_retired')
  expect(await log.verdict({ keys: [...keys.keys].reverse() })).toMatchObject({ integrity: 'tampered' })
})

test('the retired key cannot retire the current one in place of the line that retired it', async () => {
  const retirement = await fileOf(keysOf(current).publicKey)
  // First, since no process of ours signs with a key that the folder calls retired.
  await unlink(retirement)
  const audit = createJsonLines({ folder: log.folder, key: log.key, acceptedKeys: [current], warn: () => {} })
  await audit.retireKey(keysOf(current).verifyingKey)
  await audit.close()
  const { integrity, completeness, kinds } = await log.verdict(keys)
  expect([integrity, completeness]).toEqual(['tampered', 'incomplete'])
  expect(kinds).toContain('key_retired')
})

test('the retired key cannot say that lines of the current one were never acknowledged', async () => {
  const known = await log.files()
  const retirement = await fileOf(keysOf(current).publicKey)
  await log.write(30, { key: current, acceptedKeys: [log.key], batch: 5 })
  const file = (await log.files()).find((name) => !known.includes(name)) ?? ''
  await log.write(1, { key: current, acceptedKeys: [log.key] })
  // The thief also removes the line that retired the key.
  await unlink(retirement)
  const lines = (await log.lines(file)).slice(0, 1 + 5)
  await log.replace(lines, file)
  const last = readSealedLine(Buffer.from(lines.at(-1) ?? ''))
  if (!last || last.signature === '') throw new Error('the last line ends a batch')
  const { writer: failedWriter, seq: lastSeq, hash: head } = last
  const failed = { type: 'audit.writer_failed', reason: 'write_failed', failedWriter, lastSeq, head } as const
  const opened = { type: 'audit.opened', key: stolen.publicKey, host: 'h', pid: 1, segments: 0, heads: [] } as const
  const bodies = [opened, failed, { type: 'audit.closed' } as const].map((event) => logLineBody(event))
  const { text } = sealBatch(newChain('a'.repeat(16)), bodies, stolen)
  await writeFile(join(log.folder, `audit-2026-01-01T00-00-00Z-${'a'.repeat(16)}-000001.jsonl`), text)
  const { completeness, kinds } = await log.verdict(keys)
  expect(completeness).toBe('incomplete')
  expect(kinds).toEqual(expect.arrayContaining(['tail_cut', 'unclosed', 'segment_missing']))
})

test('an aged file signed with the retired key does not excuse the removal of a current one', async () => {
  const known = await log.files()
  await log.write(3, { key: current, acceptedKeys: [log.key] })
  const victim = (await log.files()).find((name) => !known.includes(name)) ?? ''
  const writer = /Z-([0-9a-f]{16})-/.exec(victim)?.[1] ?? ''
  // A later process sees the victim.
  await log.write(1, { key: current, acceptedKeys: [log.key] })
  await unlink(join(log.folder, victim))
  const at = new Date('2020-01-01T00:00:00Z')
  const bodies = Array.from({ length: 20 }, () => logLineBody({ type: 'audit.closed' }, at))
  const aged = victim.replace(/^audit-.{20}/, 'audit-2020-01-01T00-00-00Z')
  await writeFile(join(log.folder, aged), sealBatch(newChain(writer), bodies, stolen).text)
  await log.write(1, { key: current, acceptedKeys: [log.key], keepDays: 30 })
  expect(await log.files()).not.toContain(aged)
  const { integrity, completeness, kinds } = await log.verdict(keys)
  expect([integrity, completeness]).toEqual(['tampered', 'incomplete'])
  expect(kinds).toEqual(expect.arrayContaining(['key_retired', 'segment_missing']))
})

test('an auditor with the current key alone finds it as well', async () => {
  await log.smuggle(2)
  const { kinds, integrity } = await log.verdict({ keys: keys.keys.slice(0, 1) })
  expect(integrity).toBe('tampered')
  expect(kinds).toContain('key_retired')
})
