import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import { type AwsEmulator, REGION, ROOT_KEYS, startAwsEmulator } from '../harness/aws/aws-emulator.ts'
import { type AwsProxy, startAwsProxy } from '../harness/aws/aws-proxy.ts'
import { type OpenBao, ROOT_TOKEN, startOpenBao } from '../harness/hashicorp-vault/open-bao.ts'
import { runCli } from '../harness/processes/run-cli.ts'

const ISSUER = 'https://login.example.com'
const SECRET = 'tok-canary-77f1c09a2e'
const ALICE = ['jira', '--issuer', ISSUER, '--subject', 'alice']
const KEY = storageKey('jira', { issuer: ISSUER, subject: 'alice' })

let folder: string
let bao: OpenBao
let emulator: AwsEmulator
let proxy: AwsProxy

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sealed-envelope-commands-'))
  bao = await startOpenBao()
  emulator = await startAwsEmulator('moto')
  proxy = await startAwsProxy(emulator)
})
afterAll(async () => {
  await Promise.all([proxy.close(), bao.stop()])
  await emulator.stop()
  rmSync(folder, { recursive: true })
})

const vaultEnvironment = async () => ({
  MCP_VAULT_BACKEND: 'vault',
  VAULT_ADDR: bao.address,
  VAULT_TOKEN: ROOT_TOKEN,
  VAULT_KV_MOUNT: await bao.newMount(),
})

const ENVIRONMENTS: Readonly<Record<string, () => Promise<NodeJS.ProcessEnv>>> = {
  vault: vaultEnvironment,
  'aws-secrets-manager': async () => ({
    MCP_VAULT_BACKEND: 'aws-secrets-manager',
    AWS_REGION: REGION,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: proxy.endpoint,
    AWS_ACCESS_KEY_ID: ROOT_KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: ROOT_KEYS.secretAccessKey,
  }),
}

/** What the vendor's administrator sees of the credential. */
const HELD: Readonly<Record<string, (environment: NodeJS.ProcessEnv) => Promise<string>>> = {
  vault: async ({ VAULT_KV_MOUNT }) => {
    const { body } = await bao.api('GET', `${VAULT_KV_MOUNT}/data/mcp/${KEY.path}`)
    return JSON.stringify(body)
  },
  'aws-secrets-manager': async () =>
    JSON.stringify(
      await emulator.administrator.getSecretValue({ SecretId: `mcp/${KEY.path}.cred`, VersionStage: 'AWSCURRENT' }),
    ),
}

function keyFile(name: string): string {
  const path = join(folder, name)
  writeFileSync(path, generateKeyText(), { mode: 0o600 })
  return path
}

const row = (pat: string) =>
  JSON.stringify({ provider: 'jira', issuer: ISSUER, subject: 'alice', fields: { pat, site: 'main' } })

/** Runs the command. Its output never has a value. */
async function run(environment: NodeJS.ProcessEnv, words: readonly string[], input?: string) {
  const done = await runCli(words, environment, input)
  expect(done.out + done.error).not.toContain('tok-canary')
  return done
}

describe.each(Object.keys(ENVIRONMENTS))('%s', (name) => {
  let plain: NodeJS.ProcessEnv
  let sealed: NodeJS.ProcessEnv
  const first = () => join(folder, `${name}-1.key`)

  beforeAll(async () => {
    plain = { MCP_AUDIT_FOLDER: join(folder, `audit-${name}`), ...(await ENVIRONMENTS[name]?.()) }
    sealed = { ...plain, MCP_SEALED_ENVELOPE_KEY_FILE: keyFile(`${name}-1.key`) }
  })

  const held = async () => HELD[name]?.(plain) ?? ''

  test('seed, show, rotate, doctor and list work, and the store holds no value', async () => {
    expect(await run(sealed, ['seed'], row(SECRET))).toMatchObject({ code: 0 })
    const shown = (await run(sealed, ['show', ...ALICE, '--json'])).json()
    expect(shown).toMatchObject({ status: 'active', backend: `${name}+sealed-envelope`, fields: ['pat', 'site'] })
    // The vendor's own command would store a value without a seal.
    expect(shown['rotateByHand']).toBeUndefined()
    expect(String(shown['rotate'])).toContain('npx mcp-credential-vault rotate jira')
    expect(await held()).toContain('mcv-sealed-v1.')
    expect(await held()).not.toContain('tok-canary')
    const rotated = await run(sealed, ['rotate', ...ALICE, '--field', 'pat'], `${SECRET}-rotated`)
    expect(rotated, rotated.error).toMatchObject({ code: 0 })
    expect(await held()).not.toContain('tok-canary')
    expect((await run(sealed, ['list', '--json'])).json()['credentials']).toMatchObject([{ subject: 'alice' }])
    const doctor = await run(sealed, ['doctor'])
    expect(doctor, doctor.out).toMatchObject({ code: 0, out: expect.stringContaining(`${name}+sealed-envelope`) })
  })

  test('a new key: both open, reseal moves every record, then the old one is not needed', async () => {
    const changed = {
      ...sealed,
      MCP_SEALED_ENVELOPE_KEY_FILE: keyFile(`${name}-2.key`),
      MCP_SEALED_ENVELOPE_KEY_ACCEPTED_FILE: first(),
    }
    const alone = { ...changed, MCP_SEALED_ENVELOPE_KEY_ACCEPTED_FILE: '' }
    const early = await run(alone, ['keys', 'reseal', '--dry-run'])
    expect(early).toMatchObject({ code: 1 })
    expect(early.out).toMatch(
      /; 0 already under the newest key, 1 under another key\.\nUnder a key that is not configured/,
    )
    expect((await run(changed, ['keys', 'reseal', '--dry-run'])).out).toContain(
      'Would rewrite 1 of 1 record; 0 already',
    )
    const resealed = await run(changed, ['keys', 'reseal'])
    expect(resealed).toMatchObject({ code: 0, out: 'Rewrote 1 of 1 record; 0 already under the newest key.\n' })
    expect(resealed.error).toContain('keys reseal: 1 of 1 record')
    expect((await run(alone, ['keys', 'reseal'])).out).toContain('Rewrote 0 of 1 record; 1 already')
    const rotated = await run(alone, ['rotate', ...ALICE, '--field', 'pat'], `${SECRET}-2`)
    expect(rotated, rotated.error).toMatchObject({ code: 0 })
    expect((await run(alone, ['audit', 'show', '--type', 'key.resealed', '--json'])).out).toContain('key.resealed')
    for (const verb of ['rotate', 'retire', 'compromise'])
      expect(await run(alone, ['keys', verb])).toMatchObject({
        code: 1,
        error: expect.stringContaining('MCP_SEALED_ENVELOPE_KEY_ACCEPTED_FILE'),
      })
    sealed = alone
  })

  test('a value typed by hand is refused with the way out, and seed --replace is one', async () => {
    expect(await run(plain, ['seed', '--replace'], row(`${SECRET}-by-hand`))).toMatchObject({ code: 0 })
    const refused = await run(sealed, ['rotate', ...ALICE, '--field', 'pat'], SECRET)
    expect(refused).toMatchObject({ code: 1, error: expect.stringContaining('seed --replace') })
    if (name === 'vault') {
      await bao.api('POST', `${plain['VAULT_KV_MOUNT']}/data/mcp/${KEY.path}`, { data: { pat: SECRET } })
      const shown = await run(sealed, ['show', ...ALICE])
      expect(shown.out).toMatch(/^status +unusable\nproblem +not_sealed: every call/m)
    }
    const left = await run(sealed, ['keys', 'reseal'])
    expect(left).toMatchObject({ code: 1, out: expect.stringContaining('\nWithout a seal, left as it is: ') })
    expect(await run(sealed, ['seed', '--replace'], row(SECRET))).toMatchObject({ code: 0 })
    expect(await held()).not.toContain('tok-canary')
  })

  test('values from before the envelope are sealed by reseal when that is asked for', async () => {
    expect(await run(plain, ['seed', '--replace'], row(SECRET))).toMatchObject({ code: 0 })
    expect(await held()).toContain('tok-canary')
    const accepting = { ...sealed, MCP_SEALED_ENVELOPE_ACCEPT_PLAIN: 'true' }
    const done = await run(accepting, ['keys', 'reseal'])
    expect(done).toMatchObject({ code: 0, out: expect.stringContaining('Rewrote 1 of 1 record') })
    expect(done.error).toContain('warn mcp-credential-vault/sealed-envelope: ')
    expect(await held()).not.toContain('tok-canary')
    expect((await run(sealed, ['rotate', ...ALICE, '--field', 'pat'], SECRET)).code).toBe(0)
  })

  test('without the variable nothing sealed is released, and the command says what is missing', async () => {
    const refused = await run(plain, ['rotate', ...ALICE, '--field', 'pat'], SECRET)
    expect(refused).toMatchObject({ code: 1, error: expect.stringContaining('Set MCP_SEALED_ENVELOPE_KEY_FILE') })
    expect(refused.error).toContain('[key_missing]')
    const reseal = await run(plain, ['keys', 'reseal'])
    expect(reseal).toMatchObject({ code: 1, error: expect.stringContaining('set MCP_SEALED_ENVELOPE_KEY_FILE') })
    const opens = /^WRONG +the login opens a stored credential +.*MCP_SEALED_ENVELOPE_KEY/m
    expect(await run(plain, ['doctor'])).toMatchObject({ code: 1, out: expect.stringMatching(opens) })
    const wrongKey = { ...sealed, MCP_SEALED_ENVELOPE_KEY_FILE: keyFile(`${name}-wrong.key`) }
    expect(await run(wrongKey, ['doctor'])).toMatchObject({ code: 1, out: expect.stringMatching(opens) })
    expect((await run(sealed, ['doctor'])).out).toMatch(/^ok +the login opens a stored credential/m)
  })
})

describe('an operator who mistypes', () => {
  test.each<[string, NodeJS.ProcessEnv, string]>([
    [
      'another backend',
      { MCP_VAULT_BACKEND: 'sealed-file', MCP_SEALED_ENVELOPE_KEY_FILE: '/k' },
      'MCP_SEALED_ENVELOPE_KEY_FILE: a sealed envelope is for',
    ],
    ['no key', { MCP_SEALED_ENVELOPE_ACCEPT_PLAIN: 'true' }, 'MCP_SEALED_ENVELOPE_KEY_FILE'],
    ['a flag', { MCP_SEALED_ENVELOPE_ACCEPT_PLAIN: 'yes' }, 'MCP_SEALED_ENVELOPE_ACCEPT_PLAIN: must be one of'],
    ['a file', { MCP_SEALED_ENVELOPE_KEY_FILE: '/nowhere/envelope.key' }, '(/nowhere/envelope.key) cannot be read'],
    ['the name', { MCP_SEALED_ENVELOP_KEY_FILE: '/k' }, 'Did you mean MCP_SEALED_ENVELOPE_KEY_FILE?'],
  ])('%s: it is named', async (_name, wrong, said) => {
    const environment = { MCP_AUDIT_FOLDER: join(folder, 'audit-wrong'), ...(await vaultEnvironment()), ...wrong }
    expect((await run(environment, ['list'])).error).toContain(said)
  })
})
