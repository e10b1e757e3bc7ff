import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sealedFile } from '../../src/backends/sealed-file/sealed-file.ts'
import { list } from '../../src/cli/credentials/list.ts'
import { revoke } from '../../src/cli/credentials/revoke.ts'
import { rotate } from '../../src/cli/credentials/rotate.ts'
import { show } from '../../src/cli/credentials/show.ts'
import { keygen } from '../../src/cli/keygen.ts'
import { start } from '../../src/cli/start.ts'
import { type Command, runCommand, type Terminal } from '../../src/cli/terminal/command.ts'
import { generateKeyText, keyId, parseKey } from '../../src/core/crypto/key-text.ts'
import { sodiumReady } from '../../src/core/crypto/sodium.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import type { WriteIntent } from '../../src/core/ports/secret-backend.ts'

const ISSUER = 'https://login.example.com'
const SECRET = 'tok-canary-77f1c09a2e'
const ALICE = ['--issuer', ISSUER, '--subject', 'alice']

const root = mkdtempSync(join(tmpdir(), 'cli-'))
const environment = { MCP_VAULT_FOLDER: join(root, 'data'), MCP_VAULT_KEY_FILE: join(root, 'vault.key') }

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

async function store(
  subject: string,
  values: Readonly<Record<string, string>>,
  provider = 'jira',
  labels: WriteIntent['labels'] = {},
): Promise<void> {
  const backend = sealedFile({ folder: environment.MCP_VAULT_FOLDER, keyFile: environment.MCP_VAULT_KEY_FILE })
  await backend.open()
  const intent = { expect: 'any', audit: { writer: 'test', seq: 1 }, operationId: crypto.randomUUID(), labels } as const
  await backend.write(storageKey(provider, { issuer: ISSUER, subject }), values, intent, {
    signal: new AbortController().signal,
    correlationId: 'test',
  })
  await backend.close()
}

beforeAll(async () => {
  await sodiumReady()
  writeFileSync(environment.MCP_VAULT_KEY_FILE, generateKeyText(), { mode: 0o600 })
  await store('alice', { pat: SECRET })
  await store('bob', { pat: SECRET, user: 'bob' })
  await store('alice', { key: SECRET }, 'gitlab')
})
afterAll(() => rmSync(root, { recursive: true }))

function auditLines(): string {
  const folder = join(environment.MCP_VAULT_FOLDER, 'audit')
  return readdirSync(folder)
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('')
}

describe('keygen', () => {
  test('prints a key that is one', async () => {
    const { code, out } = await run(keygen, [])
    expect(code).toBe(0)
    expect(parseKey(out, 'test')).toHaveLength(32)
    const { key, id } = JSON.parse((await run(keygen, ['--json'])).out)
    expect(parseKey(key, 'test')).toHaveLength(32)
    expect(id).toBe(keyId(parseKey(key, 'test')))
    expect((await run(keygen, [])).error).toMatch(/^Its id is [0-9a-f]{4}-[0-9a-f]{4}\.\n$/)
  })

  test('names the id of a key that it writes, and of one that is there', async () => {
    const file = join(root, 'made.key')
    const { out } = await run(keygen, ['--out', file])
    const id = keyId(parseKey(readFileSync(file, 'utf8'), 'test'))
    expect(out).toBe(`Wrote a new key to ${file}. Its id is ${id}.\n`)
    expect((await run(keygen, ['--id', file])).out).toBe(`${id}\n`)
    expect(JSON.parse((await run(keygen, ['--id', file, '--json'])).out)).toEqual({ file, id })
    const both = await run(keygen, ['--id', file, '--out', join(root, 'other.key')])
    expect([both.code, both.error]).toEqual([2, expect.stringContaining('give one of them')])
    const secret = 'mcv1_not-a-key-but-secret'
    writeFileSync(join(root, 'bad.key'), secret, { mode: 0o600 })
    const bad = await run(keygen, ['--id', join(root, 'bad.key')])
    expect([bad.code, bad.error]).toEqual([1, expect.stringContaining('is not a key')])
    expect(bad.error).not.toContain(secret)
  })
})

describe('list', () => {
  test('shows who has what, and no value', async () => {
    const { code, out } = await run(list, [])
    expect(code).toBe(0)
    expect(out.split('\n').map((line) => line.split(/ {2,}/).slice(0, 5))).toEqual([
      ['PROVIDER', 'ISSUER', 'SUBJECT', 'STATUS', 'VERSION'],
      ['gitlab', ISSUER, 'alice', 'active', '1'],
      ['jira', ISSUER, 'alice', 'active', '1'],
      ['jira', ISSUER, 'bob', 'active', '1'],
      [''],
    ])
    expect(out).not.toContain(SECRET)
  })

  test('takes one provider, as JSON', async () => {
    const { out } = await run(list, ['--provider', 'gitlab', '--json'])
    expect(JSON.parse(out).credentials).toMatchObject([{ provider: 'gitlab', subject: 'alice', status: 'active' }])
  })

  test('is recorded in the audit log', () => {
    expect(auditLines()).toContain('"type":"admin.listed"')
  })
})

describe('show', () => {
  test('says state and place, and no value', async () => {
    const { code, out } = await run(show, ['jira', ...ALICE])
    expect(code).toBe(0)
    expect(out).toMatch(/status +active/)
    expect(out).toContain(environment.MCP_VAULT_FOLDER)
    expect(out).not.toContain(SECRET)
  })

  test('ends with 3 for an absent one', async () => {
    const { code, out } = await run(show, ['jira', '--issuer', ISSUER, '--subject', 'nobody', '--json'])
    expect([code, JSON.parse(out).status]).toEqual([3, 'absent'])
  })
})

describe('show of a credential that has expired', () => {
  const words = ['sentry', '--issuer', ISSUER, '--subject', 'dora']
  const expiresAt = new Date('2020-03-04T12:00:00Z')
  beforeAll(() => store('dora', { pat: SECRET }, 'sentry', { expiresAt, accountName: 'dora@acme.example' }))

  test('says since when, and whose account it was at the service', async () => {
    expect((await run(show, words)).out).toMatch(
      /^status +expired$[\s\S]*^account +dora@acme\.example$[\s\S]*^expires +2020-03-04T12:00:00\.000Z$/m,
    )
    expect(JSON.parse((await run(show, [...words, '--json'])).out)).toMatchObject({
      status: 'expired',
      expiresAt: '2020-03-04T12:00:00.000Z',
      accountName: 'dora@acme.example',
    })
    await run(revoke, [...words, '--purge'])
  })
})

describe('rotate', () => {
  test('takes the new value from standard input, and prints none', async () => {
    const { code, out, error } = await run(rotate, ['jira', ...ALICE], { readSecret: async () => `${SECRET}-new` })
    expect([code, out, error]).toEqual([0, `Rotated jira for alice (issuer ${ISSUER}): now version 2.\n`, ''])
    expect(auditLines()).not.toContain(SECRET)
  })

  test('asks for the field when there are several, and changes that one', async () => {
    const bob = ['jira', '--issuer', ISSUER, '--subject', 'bob']
    const readSecret = async () => 'another-value'
    const without = await run(rotate, bob, { readSecret })
    expect([without.code, without.error]).toEqual([2, expect.stringContaining('--field pat or --field user')])
    const wrong = await run(rotate, [...bob, '--field', 'ueser'], { readSecret })
    expect([wrong.code, wrong.error]).toEqual([
      2,
      expect.stringContaining('there is no field ueser. The credential for jira has the fields pat, user.'),
    ])
    const secret = await run(rotate, [...bob, '--field', SECRET], { readSecret })
    expect([secret.code, secret.error]).toEqual([2, expect.not.stringContaining(SECRET)])
    expect((await run(rotate, [...bob, '--field', 'user'], { readSecret })).code).toBe(0)
  })

  test.each([
    ['an empty value', ''],
    ['control characters', 'a\u0007b'],
    ['too much', 'x'.repeat(16_385)],
  ])('refuses %s', async (_, value) => {
    const { code, error } = await run(rotate, ['jira', ...ALICE], { readSecret: async () => value })
    expect(code).toBe(2)
    expect(error).not.toContain('xxx')
  })

  test('of an absent credential ends with 3', async () => {
    expect(
      (await run(rotate, ['jira', '--issuer', ISSUER, '--subject', 'nobody'], { readSecret: async () => 'x' })).code,
    ).toBe(3)
  })
})

describe('revoke', () => {
  test('makes it unreadable, says so, and is no error the second time', async () => {
    expect(await run(revoke, ['gitlab', ...ALICE])).toMatchObject({
      code: 0,
      out: `Revoked gitlab for alice (issuer ${ISSUER}): version 1.\n`,
    })
    expect((await run(show, ['gitlab', ...ALICE])).out).toMatch(/status +revoked/)
    expect(await run(revoke, ['gitlab', ...ALICE])).toMatchObject({
      code: 0,
      out: `Nothing was changed: gitlab for alice (issuer ${ISSUER}) is revoked already.\n`,
    })
  })

  test.each([
    ['jra', ISSUER, 'alice'],
    ['jira', 'https://login.exampel.com', 'alice'],
    ['jira', ISSUER, 'alcie'],
    ['jira', ISSUER, 'alcie', '--purge'],
  ])(
    'of what is not stored ends with 3, and names what may be mistyped: %s %s %s',
    async (provider, issuer, subject, ...more) => {
      const words = [provider, '--issuer', issuer, '--subject', subject, ...more]
      const { code, out, error } = await run(revoke, words)
      expect([code, out]).toEqual([3, ''])
      expect(error).toContain(`No credential for ${provider} is stored for subject ${subject} (issuer ${issuer})`)
      expect(error).toContain('"mcp-credential-vault list" shows what is stored')
      const rotated = await run(rotate, words.slice(0, 5), { readSecret: async () => 'x' })
      expect([rotated.code, rotated.error]).toEqual([
        3,
        expect.stringContaining(`No credential for ${provider} is stored for subject ${subject} (issuer ${issuer})`),
      ])
    },
  )

  test('with --purge ends with 3 for what was purged before', async () => {
    await store('carol', { pat: SECRET })
    const carol = ['jira', '--issuer', ISSUER, '--subject', 'carol', '--purge']
    expect((await run(revoke, carol)).code).toBe(0)
    expect((await run(revoke, carol)).code).toBe(3)
  })

  test('with --purge removes the mark too', async () => {
    expect((await run(revoke, ['gitlab', ...ALICE, '--purge'])).code).toBe(0)
    expect((await run(show, ['gitlab', ...ALICE])).code).toBe(3)
  })
})

describe('usage', () => {
  test.each([
    [start, [], 'MODULE is missing'],
    [list, ['extra'], 'it takes no parameters'],
    [show, ['jira'], '--issuer and --subject'],
    [rotate, [], 'PROVIDER is missing'],
    [revoke, ['jira', '--pruge', ...ALICE], 'there is no option --pruge, did you mean --purge?'],
  ] as [Command, string[], string][])('%# ends with 2 and says what is missing', async (command, words, text) => {
    const { code, error, out } = await run(command, words)
    expect([code, out]).toEqual([2, ''])
    expect(error).toContain(text)
  })

  test.each([keygen, list, show, rotate, revoke, start])('$name has help', async (command) => {
    const { code, out } = await run(command, ['--help'])
    expect(code).toBe(0)
    expect(out).toContain(`Usage: mcp-credential-vault ${command.name}`)
  })

  test('a folder without a store is an error that names it, and no new store', async () => {
    const elsewhere = { ...environment, MCP_VAULT_FOLDER: join(root, 'typo') }
    const { code, error, out } = await run(revoke, ['jira', ...ALICE], { environment: elsewhere })
    expect([code, out]).toEqual([1, ''])
    expect(error).toContain(join(root, 'typo'))
    expect(readdirSync(root)).not.toContain('typo')
  })

  test('who acted is in the audit log', () => {
    expect(auditLines()).toMatch(/"actor":\{"kind":"operator","account":"[^"]+"\}/)
  })

  test('a wrong key is told as such, by its id, and changes nothing', async () => {
    const keyFile = join(root, 'other.key')
    writeFileSync(keyFile, generateKeyText(), { mode: 0o600 })
    const { code, out } = await run(list, ['--json'], { environment: { ...environment, MCP_VAULT_KEY_FILE: keyFile } })
    expect([code, JSON.parse(out).error.code]).toEqual([1, 'key_wrong'])
    expect((await run(list, [])).code).toBe(0)
  })
})
