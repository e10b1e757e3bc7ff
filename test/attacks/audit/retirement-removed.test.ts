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

const current = generateKeyText()

test.each([
  ['says whose file it was', '2020', { key: keysOf(current).publicKey }],
  ['says whose file it was', '2099', { key: keysOf(current).publicKey }],
  ['does not say whose file it was', '2099', {}],
  ['says that it was its own', '2099', 'own'],
] as const)(
  'a retired key that %s, in %s, cannot say that the line which retired it was removed',
  async (_, year, signer) => {
    const log = await auditLogUnderTest()
    const stolen = keysOf(log.key)
    const keys = [current, log.key].map((text) => keysOf(text).verifyingKey)
    await log.write(10)
    const audit = createJsonLines({ folder: log.folder, key: current, acceptedKeys: [log.key], warn: () => {} })
    await audit.retireKey(stolen.verifyingKey)
    await audit.close()
    // The server goes on, and knows the end of the log with the retirement.
    await log.write(10, { key: current, acceptedKeys: [log.key] })
    expect(await log.verdict({ keys })).toEqual({ integrity: 'intact', completeness: 'complete', kinds: [] })

    // The thief holds the retired key and may write to the folder.
    let removed = ''
    for (const file of await readdir(log.folder))
      if ((await readFile(join(log.folder, file), 'utf8')).includes('audit.key_retired')) removed = file
    const lines = (await log.lines(removed)).length
    await unlink(join(log.folder, removed))
    const at = new Date(`${year}-06-01T00:00:00Z`)
    const writer = 'a'.repeat(16)
    const closed = logLineBody({ type: 'audit.closed' }, at)
    const opened = logLineBody(
      { type: 'audit.opened', key: stolen.publicKey, host: 'h', pid: 1, segments: 0, heads: [] },
      at,
    )
    const forged = `${closed.slice(0, closed.indexOf(',"type"'))},"type":"credential.resolved","outcome":"success","provider":"jira"`
    const purged = logLineBody(
      {
        type: 'audit.segment_purged',
        file: removed,
        first: 1,
        last: lines,
        link: 'A'.repeat(43),
        before: '2099-01-01T00:00:00Z',
        ...(signer === 'own' ? { key: stolen.publicKey } : signer),
      },
      at,
    )
    const { text } = sealBatch(newChain(writer), [opened, purged, forged, closed], stolen)
    await writeFile(join(log.folder, `audit-2020-01-01T00-00-00Z-${writer}-000001.jsonl`), text)

    expect(await log.verdict({ keys })).toMatchObject({ completeness: 'incomplete', kinds: ['segment_missing'] })
    // `--store` excuses a credential whose line is older.
    const { removedBefore = '' } = await log.verify({ keys })
    expect(removedBefore < new Date().toISOString()).toBe(true)
  },
)
