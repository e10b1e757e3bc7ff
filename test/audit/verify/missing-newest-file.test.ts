import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { auditVerify } from '../../../src/cli/audit/verify.ts'
import { runCommand } from '../../../src/cli/terminal/command.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { sodiumReady } from '../../../src/core/crypto/sodium.ts'
import { createHealth } from '../../../src/core/journal/health.ts'
import { createJournal } from '../../../src/core/journal/journal.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { defineVariables } from '../../../src/core/model/variables.ts'
import { createStores } from '../../../src/vault/environment/create-stores.ts'
import { auditLogUnderTest } from '../../harness/audit-log.ts'
import { createCredentials } from '../../harness/credential-services.ts'

const page = readFileSync(join(import.meta.dirname, '../../../docs/audit.md'), 'utf8')
const variables = defineVariables({ pat: { label: 'Token', type: 'password' } })
const key = storageKey('jira', { issuer: 'https://login.example.com', subject: 'alice' })
let environment: NodeJS.ProcessEnv
let folder: string
let collected: string

beforeAll(() => sodiumReady())
beforeEach(() => {
  const root = mkdtempSync(join(tmpdir(), 'missing-newest-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  folder = join(root, 'audit')
  collected = join(root, 'collected.log')
  environment = {
    MCP_VAULT_FOLDER: join(root, 'data'),
    MCP_VAULT_KEY: generateKeyText(),
    MCP_AUDIT_FOLDER: folder,
    MCP_AUDIT_ANCHOR: 'stdout',
  }
})

/** A server that saves or reads, and closes its log. Returns its file. */
async function serve(work: 'save' | 'read'): Promise<string> {
  const before = existsSync(folder) ? readdirSync(folder) : []
  const stdout = new PassThrough()
  const { backend, audit, pendingStore } = createStores(environment, { stdout })
  await backend.open()
  await audit.open?.(backend.deriveKey?.('audit'))
  const health = createHealth(() => {})
  const credentials = createCredentials({ backend, journal: createJournal({ audit, health }), health })
  if (work === 'save') await credentials.save(key, { pat: 'a value' }, { correlationId: 'a save' })
  else await credentials.release(key, variables, { correlationId: 'a read' })
  credentials.close()
  await audit.close()
  await Promise.all([backend.close(), pendingStore.shutdown()])
  writeFileSync(collected, String(stdout.read() ?? ''), { flag: 'a' })
  return readdirSync(folder).find((name) => !before.includes(name)) ?? ''
}

async function verify(...words: readonly string[]): Promise<string> {
  let out = ''
  const code = await runCommand(auditVerify, [...words, '--json'], {
    out: (text) => {
      out += text
    },
    error: (text) => {
      out += text
    },
    environment,
    readSecret: async () => '',
  })
  const { findings } = JSON.parse(out) as { findings: { kind: string; severity: string }[] }
  return [code, ...findings.filter(({ severity }) => severity !== 'note').map(({ kind }) => kind)].join(' ')
}

const remove = (file: string) => rmSync(join(folder, file))

/** One row of the page: its words, and the exit code of `audit verify`. */
function saysThePage(row: string, end: string): void {
  const line = page.split('\n').find((text) => text.startsWith(`| ${row} |`))
  expect(line, row).toBeDefined()
  expect(line, row).toContain(end)
}

test('the newest file of a process that only read, with nothing else to compare: not found, as the page says', async () => {
  await serve('save')
  remove(await serve('read'))
  expect(await verify()).toBe('0')
  saysThePage('none of the below', '0')
})

test('with --store, when a stored credential was announced in the file: found', async () => {
  await serve('save')
  await serve('read')
  remove(await serve('save'))
  expect(await verify()).toBe('0')
  expect(await verify('--store')).toBe('2 record_without_line')
  saysThePage('`--store`, with a stored credential announced in that file', '`record_without_line`')
})

test('with an anchor: found', async () => {
  await serve('save')
  remove(await serve('read'))
  expect(await verify('--anchors', collected)).toBe('2 segment_missing')
  saysThePage('`--anchors`, with a checkpoint of that file', '`segment_missing`')
})

test('when another process began its log in between: found', async () => {
  await serve('save')
  const newest = await serve('read')
  await serve('read')
  remove(newest)
  expect(await verify()).toBe('2 segment_missing')
  saysThePage('a file that another process or command started before the removal', '`segment_missing`')
})

test('when the process has an earlier file: found, since that does not end as a closed log does', async () => {
  const log = await auditLogUnderTest()
  await log.write(300, { maxSegmentBytes: 65_536 })
  const files = await log.files()
  expect(files.length).toBeGreaterThan(1)
  rmSync(join(log.folder, files.at(-1) ?? ''))
  expect(await log.verdict()).toMatchObject({ completeness: 'incomplete', kinds: ['unclosed'] })
  saysThePage('an earlier file of the same process', '`unclosed`')
})
