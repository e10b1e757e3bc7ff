import { readdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createJsonLines } from '../../../src/audit/json-lines.ts'
import { newChain, sealBatch } from '../../../src/audit/line/audit-chain.ts'
import { auditKeys } from '../../../src/audit/line/audit-keys.ts'
import { logLineBody } from '../../../src/audit/line/log-events.ts'
import { generateKeyText, parseKey } from '../../../src/core/crypto/key-text.ts'
import { auditLogUnderTest } from '../../harness/audit-log.ts'

const keysOf = (text: string) => auditKeys(parseKey(text, 'the test'))

test.each(['2020', '2099'])(
  'a retired key cannot excuse, in %s, that files are gone which an anchor has seen',
  async (year) => {
    const log = await auditLogUnderTest()
    const current = generateKeyText()
    const stolen = keysOf(log.key)
    const keys = [current, log.key].map((text) => keysOf(text).verifyingKey)
    await log.write(10)
    const audit = createJsonLines({ folder: log.folder, key: current, acceptedKeys: [log.key], warn: () => {} })
    await audit.retireKey(stolen.verifyingKey)
    await audit.close()
    await log.write(100, { key: current, acceptedKeys: [log.key] })
    const anchors = log.checkpoints.map((one) => `${JSON.stringify(one)}\n`).join('')
    expect(await log.verdict({ keys, anchors })).toEqual({ integrity: 'intact', completeness: 'complete', kinds: [] })

    const at = new Date(`${year}-06-01T00:00:00Z`)
    const bodies = [
      logLineBody({ type: 'audit.opened', key: stolen.publicKey, host: 'h', pid: 1, segments: 0, heads: [] }, at),
    ]
    for (const file of await readdir(log.folder)) {
      const [first = '', ...lines] = (await readFile(join(log.folder, file), 'utf8')).split('\n')
      if (JSON.parse(first).key !== keysOf(current).publicKey) continue
      await unlink(join(log.folder, file))
      const before = '2099-01-01T00:00:00Z'
      const purged = {
        type: 'audit.segment_purged',
        file,
        first: 1,
        last: lines.length,
        link: 'A'.repeat(43),
        before,
      } as const
      bodies.push(logLineBody({ ...purged, key: keysOf(current).publicKey }, at))
    }
    bodies.push(logLineBody({ type: 'audit.closed' }, at))
    const writer = 'a'.repeat(16)
    const { text } = sealBatch(newChain(writer), bodies, stolen)
    await writeFile(join(log.folder, `audit-2020-01-01T00-00-00Z-${writer}-000001.jsonl`), text)

    expect(await log.verdict({ keys, anchors })).toMatchObject({
      completeness: 'incomplete',
      kinds: ['segment_missing'],
    })
    // Without an anchor, nothing that is there was signed after the change of keys.
    expect(await log.verdict({ keys })).toMatchObject({ completeness: 'incomplete', kinds: ['current_key_unseen'] })
  },
)
