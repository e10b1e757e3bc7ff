import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { list } from '../../src/cli/credentials/list.ts'
import { revoke } from '../../src/cli/credentials/revoke.ts'
import { rotate } from '../../src/cli/credentials/rotate.ts'
import { show } from '../../src/cli/credentials/show.ts'
import { type Command, runCommand } from '../../src/cli/terminal/command.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../src/core/ports/secret-backend.ts'
import { put, valuesOf } from '../../src/testing/secret-backend/calls.ts'
import { createStores } from '../../src/vault/environment/create-stores.ts'
import { type EmulatedAws, startEmulatedAws } from '../harness/aws/emulated-aws.ts'
import { type OpenBao, ROOT_TOKEN, startOpenBao } from '../harness/hashicorp-vault/open-bao.ts'
import { pythonCommand } from '../harness/processes/running-process.ts'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'every-backend-'))
const ISSUER = 'https://login.example.com'
const SECRET = 'tok-canary-77f1c09a2e'
const ROTATED = 'tok-canary-rotated-5512'
const ALICE = ['--issuer', ISSUER, '--subject', 'auth0|alice']
const KEY = storageKey('jira', { issuer: ISSUER, subject: 'auth0|alice' })

let bao: OpenBao
let moto: EmulatedAws
let ministack: EmulatedAws

beforeAll(async () => {
  bao = await startOpenBao()
  moto = await startEmulatedAws('moto')
  ministack = await startEmulatedAws('ministack')
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await Promise.all([bao.stop(), moto.close(), ministack.close()])
  rmSync(folder, { recursive: true })
})

const ENVIRONMENTS: Readonly<Record<string, () => Promise<NodeJS.ProcessEnv>>> = {
  'sealed-file': async () => ({ MCP_VAULT_FOLDER: join(folder, 'data'), MCP_VAULT_KEY: generateKeyText() }),
  vault: async () => ({
    MCP_VAULT_BACKEND: 'vault',
    VAULT_ADDR: bao.address,
    VAULT_TOKEN: ROOT_TOKEN,
    VAULT_KV_MOUNT: await bao.newMount(),
  }),
  moto: async () => awsEnvironment(moto),
  ministack: async () => awsEnvironment(ministack),
}

function awsEnvironment({ variables }: EmulatedAws): NodeJS.ProcessEnv {
  // The SDK reads these from the process itself.
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
  return { MCP_VAULT_BACKEND: 'aws-secrets-manager', MCP_AWS_PREFIX: 'team/mcp' }
}

describe.each(Object.keys(ENVIRONMENTS))('%s', (name) => {
  let environment: NodeJS.ProcessEnv

  beforeAll(async () => {
    environment = { MCP_AUDIT_FOLDER: join(folder, `audit-${name}`), ...(await ENVIRONMENTS[name]?.()) }
  })

  async function operate(command: Command, words: readonly string[], secret = '') {
    const printed = { out: '', error: '' }
    const code = await runCommand(command, words, {
      out: (text) => {
        printed.out += text
      },
      error: (text) => {
        printed.error += text
      },
      environment,
      readSecret: async () => secret,
    })
    expect(printed.out + printed.error).not.toContain('tok-canary')
    return { code, ...printed, json: () => JSON.parse(printed.out) as Record<string, unknown> }
  }

  const logLines = () => {
    const log = environment['MCP_AUDIT_FOLDER'] ?? ''
    const text = readdirSync(log).map((file) => readFileSync(join(log, file), 'utf8'))
    return text
      .join('')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  async function withBackend<T>(work: (backend: SecretBackend) => Promise<T>): Promise<T> {
    const { backend, pendingStore, audit } = createStores(environment)
    await backend.open()
    try {
      return await work(backend)
    } finally {
      await Promise.all([backend.close(), pendingStore.shutdown(), audit.close()])
    }
  }

  test('list, show, rotate and revoke say what there is and what they did, and no value', async () => {
    await withBackend((backend) => put(backend, KEY, { pat: SECRET, site: 'https://jira.example.com' }))

    const shown = await operate(show, ['jira', ...ALICE, '--json'])
    const backend = environment['MCP_VAULT_BACKEND'] ?? 'sealed-file'
    expect(shown).toMatchObject({ code: 0 })
    expect(shown.json()).toMatchObject({ status: 'active', backend, subject: 'auth0|alice' })
    expect(shown.json()['fields']).toEqual(['pat', 'site'])
    const { location, rotate: own, rotateByHand: command, rotateInput } = shown.json()
    const rotateIt = `npx mcp-credential-vault rotate jira --issuer ${ISSUER} --subject 'auth0|alice'`
    expect(own).toBe(`${rotateIt} --field FIELD`)
    expect(String(location).length).toBeGreaterThan(10)
    expect(command === undefined).toBe(name === 'sealed-file')
    expect(rotateInput).toBe(name === 'sealed-file' ? undefined : '{"pat":"…","site":"…"}')
    expect(command ?? '').not.toMatch(/#|…|\n/)
    const { out: text } = await operate(show, ['jira', ...ALICE])
    expect(text).toContain(`\nrotate     ${rotateIt}`)
    expect(text.includes('\nthen type  {"pat":"…","site":"…"}, then Ctrl+D; the terminal shows what you type\n')).toBe(
      name !== 'sealed-file',
    )
    // The command that needs no second look comes first.
    if (name !== 'sealed-file') expect(text.indexOf('\nrotate ')).toBeLessThan(text.indexOf('\nby hand '))

    const listed = await operate(list, ['--json'])
    expect(listed.json()['credentials']).toMatchObject([{ provider: 'jira', subject: 'auth0|alice', status: 'active' }])

    // F15: it has to read the values to know that there are two, and that stands in the log with the backend's own id.
    const refused = await operate(rotate, ['jira', ...ALICE, '--json'], ROTATED)
    expect(refused).toMatchObject({ code: 2, error: expect.stringContaining('Name the one to change') })
    const read = logLines().filter(({ type }) => type === 'credential.read')
    expect(read).toMatchObject([{ outcome: 'success', provider: 'jira', actor: { kind: 'operator' } }])
    expect(Array.isArray(read[0]?.['backendRequestIds'])).toBe(name !== 'sealed-file')

    const rotated = await operate(rotate, ['jira', ...ALICE, '--field', 'pat', '--json'], ROTATED)
    expect(rotated).toMatchObject({ code: 0 })
    expect(rotated.json()).toMatchObject({ rotated: true, version: expect.any(String) })
    expect(await withBackend((backend) => valuesOf(backend, KEY))).toEqual({
      pat: ROTATED,
      site: 'https://jira.example.com',
    })

    // F11: what a server keeps in memory outlives the change, unless the store shows it at once.
    const cached = name === 'sealed-file' ? 0 : 30
    expect(rotated.json()['cacheSeconds']).toBe(cached)
    const revoked = await operate(revoke, ['jira', ...ALICE])
    expect(revoked.out.includes('may use the old value for up to 30 seconds more (MCP_CACHE_SECONDS)')).toBe(cached > 0)
    expect(revoked.out).toMatch(/^Revoked jira for auth0\|alice \(issuer \S+\): version \S+\.\n/)
    expect((await operate(show, ['jira', ...ALICE, '--json'])).json()).toMatchObject({ status: 'revoked' })
    expect((await operate(rotate, ['jira', ...ALICE], ROTATED)).code).toBe(3)
    expect((await operate(revoke, ['jira', ...ALICE])).out).toContain('is revoked already')
    expect((await operate(revoke, ['jira', ...ALICE, '--purge'])).out).toContain('Purged jira')
    expect((await operate(show, ['jira', ...ALICE])).code).toBe(3)
    expect((await operate(list, ['--json'])).json()).toEqual({ credentials: [] })
  })

  test('show offers no rotation of a revoked credential: its fields are gone, and rotate refuses it', async () => {
    await withBackend((backend) => put(backend, KEY, { pat: SECRET }))
    expect((await operate(revoke, ['jira', ...ALICE])).code).toBe(0)
    const shown = (await operate(show, ['jira', ...ALICE, '--json'])).json()
    expect(shown).toMatchObject({ status: 'revoked' })
    expect(Object.keys(shown).filter((key) => key.startsWith('rotate'))).toEqual([])
    expect((await operate(revoke, ['jira', ...ALICE, '--purge'])).code).toBe(0)
  })
})

test('the command that show prints for Vault rotates the credential', async () => {
  const mount = await bao.newMount()
  const environment = {
    MCP_VAULT_BACKEND: 'vault',
    MCP_AUDIT_FOLDER: join(folder, 'audit-command'),
    VAULT_ADDR: bao.address,
    VAULT_TOKEN: ROOT_TOKEN,
    VAULT_KV_MOUNT: mount,
  }
  const { backend, pendingStore, audit } = createStores(environment)
  await backend.open()
  await put(backend, KEY, { pat: SECRET })
  const { command = '', input = '' } = backend.rotateCommand?.(KEY, ['pat']) ?? {}
  const bin = pythonCommand('bao')
  const child = run(bin, command.replace(/^vault /, '').split(' '), {
    env: { BAO_ADDR: bao.address, BAO_TOKEN: ROOT_TOKEN, HOME: folder },
  })
  child.child.stdin?.end(input.replace('…', 'typed by hand'))
  await child
  expect(await valuesOf(backend, KEY)).toEqual({ pat: 'typed by hand' })
  await Promise.all([backend.close(), pendingStore.shutdown(), audit.close()])
})
