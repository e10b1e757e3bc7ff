import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createJsonLines } from '../../../src/audit/json-lines.ts'
import { newChain, sealBatch } from '../../../src/audit/line/audit-chain.ts'
import { auditKeys } from '../../../src/audit/line/audit-keys.ts'
import { type FoundHead, logLineBody } from '../../../src/audit/line/log-events.ts'
import { generateKeyText, parseKey } from '../../../src/core/crypto/key-text.ts'
import { auditLogUnderTest } from '../../harness/audit-log.ts'

const keysOf = (text: string) => auditKeys(parseKey(text, 'the test'))

test('whoever holds two retired keys cannot let each excuse the other', async () => {
  const log = await auditLogUnderTest()
  const [second, current] = [generateKeyText(), generateKeyText()]
  const [k0, k1] = [keysOf(log.key), keysOf(second)]
  const keys = [current, second, log.key].map((text) => keysOf(text).verifyingKey)
  await log.write(10)
  await log.write(10, { key: second, acceptedKeys: [log.key] })
  const audit = createJsonLines({ folder: log.folder, key: current, acceptedKeys: [second, log.key], warn: () => {} })
  const heads0 = await audit.retireKey(k0.verifyingKey)
  const heads1 = await audit.retireKey(k1.verifyingKey)
  await audit.close()
  expect(await log.verdict({ keys })).toEqual({ integrity: 'intact', completeness: 'complete', kinds: [] })

  // The attacker holds k0 and k1, and may write to the folder.
  const at = new Date('2020-01-01T00:00:00Z')
  const name = (writer: string) => `audit-2020-01-01T00-00-00Z-${writer}-000001.jsonl`
  const [w0, w1] = ['a'.repeat(16), 'b'.repeat(16)]
  const opened = (key: string) =>
    logLineBody({ type: 'audit.opened', key, host: 'h', pid: 1, segments: 0, heads: [] }, at)
  const closed = logLineBody({ type: 'audit.closed' }, at)
  const headOf = (writer: string, seq: number, hash: string): FoundHead => ({
    file: name(writer),
    writer,
    seq,
    hash,
    at: at.toISOString(),
  })
  const forged = `${closed.slice(0, closed.indexOf(',"type"'))},"type":"credential.resolved","outcome":"success","provider":"jira"`
  // The chain of k1 says that k0 ended later than it did; the number of a line that the chain of k0 says was never acknowledged.
  const retires0 = logLineBody(
    { type: 'audit.key_retired', key: k0.publicKey, heads: [...heads0, headOf(w0, 999, 'A'.repeat(43))] },
    at,
  )
  const chain1 = sealBatch(newChain(w1), [opened(k1.publicKey), forged, retires0, closed], k1)
  const first = sealBatch(newChain(w0), [opened(k0.publicKey)], k0)
  const failed = logLineBody(
    { type: 'audit.writer_failed', reason: 'write_failed', failedWriter: w0, lastSeq: 1, head: first.head.hash },
    at,
  )
  const retires1 = logLineBody(
    {
      type: 'audit.key_retired',
      key: k1.publicKey,
      heads: [...heads1, headOf(w1, chain1.head.seq, chain1.head.hash)],
    },
    at,
  )
  const rest = sealBatch(first.head, [failed, retires1, closed], k0)
  await writeFile(join(log.folder, name(w1)), chain1.text)
  await writeFile(join(log.folder, name(w0)), first.text + rest.text)

  expect(await log.verdict({ keys })).toMatchObject({ integrity: 'tampered' })
  const otherOrder = [current, log.key, second].map((text) => keysOf(text).verifyingKey)
  expect(await log.verdict({ keys: otherOrder })).toMatchObject({ integrity: 'tampered' })
})
