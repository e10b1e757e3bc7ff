import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sealedFile } from '../../../src/backends/sealed-file/sealed-file.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { sodiumReady } from '../../../src/core/crypto/sodium.ts'
import { type Harness, startHarness } from '../../harness/mcp-harness.ts'
import { fernetKey, writeAuthkitStore } from '../../harness/processes/authkit-store.ts'
import { runCli } from '../../harness/processes/run-cli.ts'

const SECRET = 'tok-canary-77f1c09a2e'
const root = mkdtempSync(join(tmpdir(), 'authkit-'))
const old = join(root, 'old')
const environment = { MCP_VAULT_FOLDER: join(root, 'data'), MCP_VAULT_KEY_FILE: join(root, 'vault.key') }
const subjects = join(root, 'subjects.txt')

let harness: Harness
let key: string

beforeAll(async () => {
  await sodiumReady()
  key = fernetKey()
  const authkit = { TOKEN_STORAGE_MODE: 'file', FILE_STORAGE_PATH: old, STORAGE_ENCRYPTION_KEY: key }
  const entries = { alice: { pat: SECRET, note: '' }, bob: { pat: `${SECRET}-bob` }, gone: { pat: `${SECRET}-gone` } }
  writeAuthkitStore({ namespace: 'jira', entries }, authkit)
  writeAuthkitStore({ namespace: 'github', entries: { alice: { access_token: SECRET, expires_at: 12 } } }, authkit)
  writeAuthkitStore({ entries: { carol: { pat: `${SECRET}-carol` } } }, authkit)
  writeFileSync(subjects, 'alice\nbob\ncarol\nnever-there\n')
  writeFileSync(environment.MCP_VAULT_KEY_FILE, generateKeyText(), { mode: 0o600 })
  harness = await startHarness({
    backend: sealedFile({ folder: environment.MCP_VAULT_FOLDER, keyFile: environment.MCP_VAULT_KEY_FILE }),
  })
}, 60_000)
afterAll(async () => {
  await harness.close()
  rmSync(root, { recursive: true })
})

async function run(words: readonly string[], variables: NodeJS.ProcessEnv = { STORAGE_ENCRYPTION_KEY: key }) {
  const from = ['import', 'authkit-files', '--folder', old, '--issuer', harness.identityProvider.issuer]
  const done = await runCli([...from, ...words], { ...environment, ...variables })
  expect(done.out + done.error).not.toContain('tok-canary')
  expect(done.out + done.error).not.toContain(key)
  return done
}

const JIRA = ['--provider', 'jira', '--subjects', subjects]

test('--dry-run lists who would be imported, and whose entries are of nobody', async () => {
  const { code, out } = await run([...JIRA, '--dry-run'])
  expect(code).toBe(0)
  expect(out).toMatch(/ alice +would be stored$/m)
  expect(out).toContain(
    '2 would be stored, 0 replaced, 0 kept, 0 failed.\n1 entry belongs to nobody in --subjects. Not imported.',
  )
  expect(out).toContain('mcp-authkit let anyone who had the link fill in the form')
  expect((await (await harness.connect('alice')).text('read_secret')).isError).toBe(true)
})

test('another key, an OAuth token or a shared subject imports nothing', async () => {
  const wrongKey = await run(JIRA, { STORAGE_ENCRYPTION_KEY: fernetKey() })
  expect([wrongKey.code, wrongKey.error]).toEqual([
    2,
    expect.stringContaining('cannot be opened: another key, or a damaged entry'),
  ])
  const token = await run(['--provider', 'github', '--subjects', subjects])
  expect([token.code, token.error]).toEqual([2, expect.stringContaining('OAuthProvider tokens are not imported')])
  const shared = join(root, 'shared.txt')
  writeFileSync(shared, 'alice\nunknown\n')
  const everybody = await run(['--provider', 'jira', '--subjects', shared])
  expect([everybody.code, everybody.error]).toEqual([
    2,
    expect.stringContaining(`--subjects (${shared}): line 2 is "unknown"`),
  ])
  // The ancestor deletes what it cannot open; here everything is as it was.
  expect(readdirSync(join(old, 'tokens/jira'))).toHaveLength(3)
})

test.each([
  ['without --issuer', ['import', 'authkit-files', ...JIRA], '--issuer is required'],
  ['without --subjects', ['import', 'authkit-files', '--provider', 'jira', '--issuer', 'x'], '--subjects is required'],
  [
    'without a key',
    ['import', 'authkit-files', ...JIRA, '--issuer', 'x'],
    'set STORAGE_ENCRYPTION_KEY or STORAGE_ENCRYPTION_KEY_PATH',
  ],
])('%s it says what is missing', async (_, words, problem) => {
  const { code, error } = await runCli(words, environment)
  expect([code, error]).toEqual([2, expect.stringContaining(problem)])
})

test('a namespace that is not there is named with its folder', async () => {
  const { code, error } = await run(['--provider', 'jra', '--subjects', subjects])
  expect([code, error]).toEqual([
    2,
    expect.stringContaining(`--folder (${join(old, 'tokens/jra')}): there is no such folder`),
  ])
})

test('what mcp-authkit 0.3.0 stored is imported, and a gated call uses it', async () => {
  const keyFile = join(root, 'fernet.key')
  writeFileSync(keyFile, `${key}\n`)
  chmodSync(keyFile, 0o644)
  const exposed = await run(JIRA, { STORAGE_ENCRYPTION_KEY_PATH: keyFile })
  expect([exposed.code, exposed.error]).toEqual([2, expect.stringContaining(`Run: chmod 600 ${keyFile}`)])
  chmodSync(keyFile, 0o600)
  const { code, out } = await run([...JIRA, '--json'], { STORAGE_ENCRYPTION_KEY_PATH: keyFile })
  expect([code, JSON.parse(out)]).toMatchObject([0, { stored: 2, kept: 0, failed: 0 }])
  const alice = await harness.connect('alice')
  expect(await alice.text('read_secret')).toEqual({ text: `a secret of ${SECRET.length} characters`, isError: false })
  const bob = await harness.connect('bob')
  expect(await bob.text('read_secret')).toEqual({ text: `a secret of ${SECRET.length + 4} characters`, isError: false })
  const again = await run([...JIRA, '--json'])
  expect(JSON.parse(again.out)).toMatchObject({ stored: 0, kept: 2 })
  expect(existsSync(join(old, 'tokens/jira'))).toBe(true)
})

test('a store without namespaces is imported with --namespace=', async () => {
  const { code } = await run([...JIRA, '--namespace='])
  expect(code).toBe(0)
  const carol = await harness.connect('carol')
  expect(await carol.text('read_secret')).toEqual({
    text: `a secret of ${SECRET.length + 6} characters`,
    isError: false,
  })
})
