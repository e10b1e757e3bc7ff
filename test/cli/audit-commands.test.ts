import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AuditCheckpoint } from '../../src/audit/anchors/anchor.ts'
import { auditKeys } from '../../src/audit/line/audit-keys.ts'
import { auditExport } from '../../src/cli/audit/export.ts'
import { auditKey } from '../../src/cli/audit/key.ts'
import { auditReconcile } from '../../src/cli/audit/reconcile.ts'
import { auditShow } from '../../src/cli/audit/show.ts'
import { auditTail } from '../../src/cli/audit/tail.ts'
import { auditVerify } from '../../src/cli/audit/verify.ts'
import { type Command, runCommand, type Terminal } from '../../src/cli/terminal/command.ts'
import { generateKeyText, parseKey } from '../../src/core/crypto/key-text.ts'
import { sodiumReady } from '../../src/core/crypto/sodium.ts'
import { createHealth } from '../../src/core/journal/health.ts'
import { createJournal } from '../../src/core/journal/journal.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import { defineVariables } from '../../src/core/model/variables.ts'
import { createStores } from '../../src/vault/environment/create-stores.ts'
import { createCredentials } from '../harness/credential-services.ts'
import { bundledCommand } from '../harness/processes/compile-module.ts'

const ISSUER = 'https://login.example.com'
const SECRET = 'tok-canary-77f1c09a2e'
const variables = defineVariables({ pat: { label: 'Token', type: 'password' } })
const roots: string[] = []
let environment: NodeJS.ProcessEnv
let auditFolder: string

interface Ran {
  readonly code: number
  readonly out: string
  readonly error: string
}

async function run(command: Command, words: readonly string[], change: Partial<Terminal> = {}): Promise<Ran> {
  let out = ''
  let error = ''
  const terminal: Terminal = {
    out: (text) => {
      out += text
    },
    error: (text) => {
      error += text
    },
    environment,
    readSecret: async () => '',
    ...change,
  }
  return { code: await runCommand(command, words, terminal), out, error }
}

const main = bundledCommand()

function runMain(words: readonly string[], change: NodeJS.ProcessEnv = {}) {
  const env = { ...process.env, ...environment, ...change }
  return spawnSync(process.execPath, [main, ...words], { encoding: 'utf8', env })
}

/** Writes the lines of a server that saved and released a credential for each user. */
async function serve(subjects: readonly string[], change: NodeJS.ProcessEnv = {}): Promise<void> {
  const { backend, audit } = createStores({ ...environment, ...change })
  await backend.open()
  await audit.open?.(backend.deriveKey?.('audit'))
  const health = createHealth(() => {})
  const credentials = createCredentials({ backend, journal: createJournal({ audit, health }), health })
  for (const subject of subjects) {
    const key = storageKey('jira', { issuer: ISSUER, subject })
    const context = { correlationId: `call-of-${subject}`, clientName: '=cmd()', tool: 'create, "issue"' }
    await credentials.save(key, { pat: SECRET }, context)
    await credentials.release(key, variables, context)
  }
  credentials.close()
  await audit.close()
  await backend.close()
}

beforeAll(() => sodiumReady())
beforeEach(async () => {
  const root = mkdtempSync(join(tmpdir(), 'audit-cli-'))
  roots.push(root)
  auditFolder = join(root, 'audit')
  environment = {
    MCP_VAULT_FOLDER: join(root, 'data'),
    MCP_VAULT_KEY: generateKeyText(),
    MCP_AUDIT_FOLDER: auditFolder,
  }
  await serve(['alice', 'bob'])
})
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true })
})

function newest(): string {
  return join(auditFolder, readdirSync(auditFolder).sort()[0] ?? '')
}

describe('verify', () => {
  test('says that a good log is intact and complete, with the key of the environment', async () => {
    const { code, out } = await run(auditVerify, ['--store'])
    expect(out).toMatch(/^8 lines of 1 processes in 1 files\nintegrity: {4}intact\ncompleteness: complete\n$/)
    expect(code).toBe(0)
  })

  test('tells an edited log by 1, a cut one by 2, wrong usage by 3', async () => {
    // Uses the log of an ended process, since an open end is normal while the writer runs.
    rmSync(newest())
    expect(runMain(['list']).status).toBe(0)
    const path = newest()
    const whole = readFileSync(path, 'utf8')
    writeFileSync(path, whole.replace('"operator"', '"operatur"'))
    const tampered = await run(auditVerify, [])
    expect(tampered.code).toBe(1)
    expect(tampered.out).toMatch(
      /^tampered +line_changed: its bytes do not fit its hash \(audit-.*, line 2, byte \d+\)$/m,
    )
    const lines = whole.split('\n')
    writeFileSync(path, `${lines.slice(0, -2).join('\n')}\n`)
    const cut = await run(auditVerify, ['--json'])
    expect(cut.code).toBe(2)
    expect(JSON.parse(cut.out)).toMatchObject({ integrity: 'intact', completeness: 'incomplete' })
    expect((await run(auditVerify, ['--accept-unclosed', 'all'])).code).toBe(0)
    expect((await run(auditVerify, ['--nonsense'])).code).toBe(3)
    expect((await run(auditVerify, ['--anchors', '/nowhere'])).code).toBe(4)
    expect((await run(auditVerify, ['--key', 'x'])).code).toBe(3)
    const nothing = await run(auditVerify, ['--folder', join(auditFolder, '..')])
    expect(nothing).toMatchObject({ code: 4, error: expect.stringContaining('There is no audit log in') })
  })

  test('takes a public key that begins with -, as one in 64 does', async () => {
    const beginsWithDash = (text: string) => auditKeys(parseKey(text, 'it')).publicKey.startsWith('-')
    let key = generateKeyText()
    while (!beginsWithDash(key)) key = generateKeyText()
    const keyFile = join(auditFolder, '../audit.key')
    writeFileSync(keyFile, key, { mode: 0o600 })
    environment = { ...environment, MCP_AUDIT_KEY_FILE: keyFile, MCP_AUDIT_FOLDER: join(auditFolder, '../second') }
    await serve(['alice'])
    const publicKey = (await run(auditKey, [])).out.trim()
    const words = ['--folder', join(auditFolder, '../second'), '--key', publicKey]
    expect(await run(auditVerify, words, { environment: {} })).toMatchObject({ code: 0, error: '' })
  })

  test('needs no secret key where somebody brings the public one', async () => {
    const publicKey = (await run(auditKey, [])).out.trim()
    const auditor = { environment: {} }
    expect((await run(auditVerify, ['--folder', auditFolder, '--key', publicKey], auditor)).code).toBe(0)
    const without = await run(auditVerify, ['--folder', auditFolder], auditor)
    expect(without).toMatchObject({ code: 3, error: expect.stringContaining('--key') })
    const { pem } = JSON.parse((await run(auditKey, ['--json'])).out)
    expect(pem).toContain('BEGIN PUBLIC KEY')
    expect((await run(auditKey, [], auditor)).code).toBe(1)
  })

  test('finds records without their line, with another line, and lines without a record', async () => {
    const { backend, audit } = createStores(environment)
    await backend.open()
    const call = { signal: new AbortController().signal, correlationId: 'x' }
    const put = (subject: string, writer: string, seq: number) =>
      backend.write(
        storageKey('jira', { issuer: ISSUER, subject }),
        { pat: SECRET },
        { expect: 'any', audit: { writer, seq }, operationId: crypto.randomUUID() },
        call,
      )
    const [writer = ''] = /[0-9a-f]{16}/.exec(newest().split('/').at(-1) ?? '') ?? []
    await put('carol', writer, 2)
    await put('dave', '0011223344556677', 2)
    const removed = { expect: 'any', purge: true, operationId: 'x' } as const
    await backend.revoke(storageKey('jira', { issuer: ISSUER, subject: 'bob' }), removed, call)
    await Promise.all([backend.close(), audit.close()])
    const { code, out } = await run(auditVerify, ['--store'])
    expect(out).toMatch(/^tampered +record_differs: the credential of carol for jira names line 2/m)
    expect(out).toMatch(/^incomplete record_without_line: the credential of dave .*whose file is not there$/m)
    expect(out).toMatch(/^note +line_without_record: the credential of bob for jira/m)
    expect(code).toBe(1)
  })

  test('takes the anchors that a log collector has kept', async () => {
    const checkpoints: AuditCheckpoint[] = []
    const anchorFile = join(auditFolder, '..', 'collected.log')
    const shown = runMain(['list'], { MCP_AUDIT_ANCHOR: 'stdout' })
    expect(shown.status).toBe(0)
    expect(shown.stdout).not.toContain('audit.checkpoint')
    writeFileSync(anchorFile, `something else\n2026-11-24 ${shown.stderr}`)
    expect(shown.stderr).toContain('"type":"audit.checkpoint"')
    checkpoints.push(JSON.parse(shown.stderr))
    expect((await run(auditVerify, ['--anchors', anchorFile])).code).toBe(0)
    const file = readdirSync(auditFolder).find((name) => name.includes(checkpoints[0]?.writer ?? 'none')) ?? ''
    rmSync(join(auditFolder, file))
    const missing = await run(auditVerify, ['--anchors', anchorFile])
    expect(missing).toMatchObject({ code: 2, out: expect.stringContaining('segment_missing') })
  })
})

describe('show', () => {
  test('shows who did what, and writes down that somebody looked', async () => {
    const { code, out } = await run(auditShow, ['--user', 'alice'])
    expect(code).toBe(0)
    const rows = out.trimEnd().split('\n')
    expect(rows[0]).toMatch(/^TIME +TYPE +OUTCOME +USER +PROVIDER +VERSION +BY +CORRELATION$/)
    expect(rows.slice(1).map((row) => row.split(/ {2,}/)[1])).toEqual([
      'credential.storing',
      'credential.stored',
      'credential.resolved',
    ])
    expect(out).not.toContain('bob')
    const reads = await run(auditShow, ['--type', 'audit.read'])
    expect(reads.out).toMatch(/audit\.read +success \(show\) +alice +operator /)
  })

  test('finds by provider, type, outcome, correlation and time', async () => {
    const count = async (...words: string[]) =>
      (await run(auditShow, [...words, '--json'])).out.split('\n').filter((line) => line.includes('call-of-')).length
    expect(await count('--provider', 'jira')).toBe(6)
    expect(await count('--provider', 'gitlab')).toBe(0)
    expect(await count('--type', 'credential')).toBe(6)
    expect(await count('--type', 'credential.stored')).toBe(2)
    expect(await count('--outcome', 'denied')).toBe(0)
    expect(await count('--correlation', 'call-of-bob')).toBe(3)
    expect(await count('--issuer', ISSUER)).toBe(6)
    expect(await count('--user', 'alice', '--issuer', 'https://other.example.com')).toBe(0)
    expect(await count('--since', '1h')).toBe(6)
    expect(await count('--since', '2030-01-01')).toBe(0)
    expect(await count('--until', '24h')).toBe(0)
    expect(await run(auditShow, ['--since', 'yesterday'])).toMatchObject({ code: 2 })
    expect((await run(auditShow, ['--user', 'nobody'])).out).toBe('No line of the log matches.\n')
  })

  test('finds a user behind a pseudonym for who has the key, and by the pseudonym for who has not', async () => {
    environment = { ...environment, MCP_AUDIT_SUBJECTS: 'pseudonym' }
    await serve(['carol'])
    expect(
      readdirSync(auditFolder)
        .map((name) => readFileSync(join(auditFolder, name), 'utf8'))
        .join(''),
    ).not.toContain('"carol"')
    const { out } = await run(auditShow, ['--user', 'carol'])
    expect(out.split('\n').filter((row) => row.includes('credential.'))).toHaveLength(3)
    const [pseudonym = ''] = /p_[\w-]{22}/.exec(out) ?? []
    const auditor = { environment: {} }
    const found = await run(auditShow, ['--folder', auditFolder, '--user', pseudonym], auditor)
    expect(found.out.split('\n').filter((row) => row.includes('credential.'))).toHaveLength(3)
    expect((await run(auditShow, ['--folder', auditFolder, '--user', 'carol'], auditor)).out).toContain('No line')
    expect((await run(auditVerify, ['--store'])).code).toBe(0)
  })

  test('a copy named with --folder is not written to', async () => {
    const before = readdirSync(auditFolder)
    await run(auditShow, ['--folder', auditFolder])
    expect(readdirSync(auditFolder)).toEqual(before)
  })

  test('lines that are none are counted and left out', async () => {
    writeFileSync(newest(), `${readFileSync(newest(), 'utf8')}rubbish\n`)
    const { out, error } = await run(auditShow, ['--folder', auditFolder])
    expect(out).not.toContain('rubbish')
    expect(error).toContain('1 lines are not part of the log')
  })
})

describe('export', () => {
  test('as one JSON array', async () => {
    const { out } = await run(auditExport, ['--user', 'alice', '--format', 'json'])
    expect(JSON.parse(out)).toMatchObject([
      { type: 'credential.storing', owner: { issuer: ISSUER, subject: 'alice' } },
      { type: 'credential.stored' },
      { type: 'credential.resolved', tool: 'create, "issue"' },
    ])
    expect((await run(auditExport, ['--user', 'nobody'])).out).toBe('[]\n')
  })

  test('as CSV that is quoted, and is no formula in a spreadsheet', async () => {
    const { out } = await run(auditExport, ['--user', 'alice', '--format', 'csv'])
    const [title = '', first = ''] = out.split('\r\n')
    expect(title.split(',').slice(0, 3)).toEqual(['at', 'type', 'outcome'])
    expect(first).toContain(",'=cmd(),")
    expect(first).toContain(',"create, ""issue""",')
    expect((await run(auditExport, ['--format', 'xml'])).code).toBe(2)
  })
})

describe('tail', () => {
  test('shows the last lines of all processes', async () => {
    await serve(['carol'])
    const { out } = await run(auditTail, ['-n', '2', '--type', 'credential', '--json'])
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { type: 'credential.stored', owner: { subject: 'carol' } },
      { type: 'credential.resolved', owner: { subject: 'carol' } },
    ])
    expect((await run(auditTail, ['-n', '0'])).code).toBe(2)
  })

  test('goes on with new ones until it is interrupted', async () => {
    const child = spawn(process.execPath, [main, 'audit', 'tail', '-f', '--provider', 'jira'], {
      env: { ...process.env, ...environment },
    })
    let out = ''
    child.stdout.on('data', (chunk) => {
      out += String(chunk)
    })
    const ended = new Promise((resolve) => child.once('close', resolve))
    await expect.poll(() => out).toContain('call-of-bob')
    await serve(['carol'])
    await expect.poll(() => out).toContain('call-of-carol')
    expect(out.split('credential.resolved')).toHaveLength(4)
    child.kill('SIGINT')
    await ended
  })
})

test('reconcile takes one log of the backend that can be read', async () => {
  expect((await run(auditReconcile, [])).code).toBe(2)
  expect((await run(auditReconcile, ['--vault-log', '/nowhere'])).code).toBe(4)
  expect((await run(auditReconcile, ['--vault-log', newest(), '--cloudtrail', newest()])).code).toBe(2)
  const wrong = await run(auditReconcile, ['--cloudtrail', newest()])
  expect(wrong).toMatchObject({ code: 4, error: expect.stringContaining('not a CloudTrail log') })
})

test('no command prints a value', async () => {
  const commands = [auditShow, auditTail, auditExport, auditVerify]
  for (const command of commands) {
    const { out, error } = await run(command, [])
    expect(out + error).not.toContain(SECRET)
  }
})
