import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createJsonLines } from '../../../src/audit/json-lines.ts'
import { newChain, sealBatch } from '../../../src/audit/line/audit-chain.ts'
import { auditKeys } from '../../../src/audit/line/audit-keys.ts'
import { logLineBody } from '../../../src/audit/line/log-events.ts'
import { generateKeyText, parseKey } from '../../../src/core/crypto/key-text.ts'
import { auditLogUnderTest } from '../../harness/audit-log.ts'

const keysOf = (text: string) => auditKeys(parseKey(text, 'the test'))

test('a retired key cannot name a key of its thief that excuses it', async () => {
  const log = await auditLogUnderTest()
  const current = generateKeyText()
  const [stolen, own] = [keysOf(log.key), keysOf(generateKeyText())]
  const keys = [current, log.key].map((text) => keysOf(text).verifyingKey)
  await log.write(10)
  const audit = createJsonLines({ folder: log.folder, key: current, acceptedKeys: [log.key], warn: () => {} })
  const heads = await audit.retireKey(stolen.verifyingKey)
  await audit.close()
  expect(await log.verdict({ keys })).toEqual({ integrity: 'intact', completeness: 'complete', kinds: [] })

  // The thief holds the retired key and may write to the folder.
  const at = new Date('2020-01-01T00:00:00Z')
  const name = (writer: string) => `audit-2020-01-01T00-00-00Z-${writer}-000001.jsonl`
  const opened = (key: string, acceptedKeys: string[]) =>
    logLineBody({ type: 'audit.opened', key, host: 'h', pid: 1, segments: 0, heads: [], acceptedKeys }, at)
  const closed = logLineBody({ type: 'audit.closed' }, at)
  const forged = `${closed.slice(0, closed.indexOf(',"type"'))},"type":"credential.resolved","outcome":"success","provider":"jira"`
  const [w0, w1] = ['a'.repeat(16), 'b'.repeat(16)]
  const lines = sealBatch(newChain(w0), [opened(stolen.publicKey, [own.publicKey]), forged, closed], stolen)
  const { seq, hash } = lines.head
  const end = { file: name(w0), writer: w0, seq, hash, at: at.toISOString() }
  const excuse = logLineBody({ type: 'audit.key_retired', key: stolen.publicKey, heads: [...heads, end] }, at)
  const excused = sealBatch(newChain(w1), [opened(own.publicKey, []), excuse, closed], own)
  await writeFile(join(log.folder, name(w0)), lines.text)
  await writeFile(join(log.folder, name(w1)), excused.text)

  expect(await log.verdict({ keys })).toMatchObject({ integrity: 'tampered' })
})
