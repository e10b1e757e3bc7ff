import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { jsonLinesAudit } from '../../../src/audit/json-lines.ts'
import { sealedFile } from '../../../src/backends/sealed-file/sealed-file.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { type FormServer, startFormServer } from '../../harness/browser/form-server.ts'
import { visitorOf } from '../../harness/browser/visitor.ts'
import { compiled } from '../../harness/processes/compile-module.ts'

/** What breaks a line, moves the cursor, hides text, or turns its direction round. */
const TRICKS = '\n\r\u0085\u2028\u2029\u001b[2K\u001b]0;owned\u0007\u202e\u2066\u200b\ufeff"},{"type":"forged'
/** An identity holds no control characters, but may hold everything else. */
const SUBJECT = 'alice\u2028forged\u202ekcatta\u2066\u200b"},{"type":"forged'
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

let folder: string
let server: FormServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'log-injection-'))
  const log = jsonLinesAudit({ folder: join(folder, 'audit') })
  server = await startFormServer({ wrap: { audit: () => log } })
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

test('what strangers send into the audit log stays inside one line of it, and prints as plain text', async () => {
  const link = await server.ask('alice', { clientName: TRICKS, tool: TRICKS })
  const alice = visitorOf(server)
  const headers = {
    'user-agent': TRICKS.replace(/[^\t\x20-\x7e]/g, '\u00e9'),
    'x-forwarded-for': 'x"\u00e9,203.0.113.9"}',
  }
  await alice.signIn('alice', link)
  await alice.get(link.entry, headers)
  await alice.post(link.submit, { 'csrf-token': TRICKS, pat: TRICKS, [TRICKS]: TRICKS }, headers)
  await alice.get(
    `/credentials/callback?error=${encodeURIComponent(TRICKS)}&error_description=${encodeURIComponent(TRICKS)}`,
  )
  await alice.get(`/credentials/${encodeURIComponent(TRICKS)}/entry?t=${encodeURIComponent(TRICKS)}`)

  const [name = ''] = await readdir(join(folder, 'audit'))
  const text = await readFile(join(folder, 'audit', name), 'utf8')
  const lines = text.split('\n').slice(0, -1)
  expect(lines.length).toBeGreaterThan(1)
  for (const line of lines) {
    expect(UNPRINTABLE.test(line)).toBe(false)
    expect(JSON.parse(line)).toMatchObject({ v: 1, type: expect.stringMatching(/^[a-z]+\.[a-z_]+$/) })
  }
  expect(lines.map((line) => JSON.parse(line).type)).not.toContain('forged')
})

test('what the command line prints of an identity moves no cursor and hides nothing', async () => {
  const keyFile = join(folder, 'vault.key')
  await writeFile(keyFile, generateKeyText(), { mode: 0o600 })
  const backend = sealedFile({ folder: join(folder, 'data'), keyFile })
  await backend.open()
  await put(backend, storageKey('jira', { issuer: 'https://login.example.com', subject: SUBJECT }), {
    pat: 'x'.repeat(20),
  })
  await backend.close()
  const environment = { ...process.env, MCP_VAULT_FOLDER: join(folder, 'data'), MCP_VAULT_KEY_FILE: keyFile }
  const main = compiled(join(import.meta.dirname, '../../../src/cli/main.ts'))
  const run = (...words: string[]) => promisify(execFile)(process.execPath, [main, ...words], { env: environment })
  for (const words of [
    ['list'],
    ['list', '--json'],
    ['show', 'jira', '--issuer', 'https://login.example.com', '--subject', SUBJECT],
    ['show', 'jira', '--json', '--issuer', 'https://login.example.com', '--subject', SUBJECT],
  ]) {
    const { stdout } = await run(...words)
    expect(stdout, words.join(' ')).toContain('alice')
    for (const line of stdout.split('\n'))
      expect(UNPRINTABLE.test(line), `${words.join(' ')}: ${JSON.stringify(line)}`).toBe(false)
  }
})
