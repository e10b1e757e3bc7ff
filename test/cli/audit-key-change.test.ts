import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { auditKeys } from '../../src/audit/line/audit-keys.ts'
import { auditKey } from '../../src/cli/audit/key.ts'
import { auditRetire } from '../../src/cli/audit/retire.ts'
import { auditShow } from '../../src/cli/audit/show.ts'
import { auditVerify } from '../../src/cli/audit/verify.ts'
import { doctor } from '../../src/cli/doctor/doctor.ts'
import { type Command, runCommand } from '../../src/cli/terminal/command.ts'
import { generateKeyText, keyId, parseKey } from '../../src/core/crypto/key-text.ts'
import { createStores } from '../../src/vault/environment/create-stores.ts'
import { runCli } from '../harness/processes/run-cli.ts'

const [oldText, newText] = [generateKeyText(), generateKeyText()]
const publicOf = (text: string) => auditKeys(parseKey(text, 'the test')).publicKey
const [oldPublic, newPublic] = [publicOf(oldText), publicOf(newText)]
let folder: string
let before: NodeJS.ProcessEnv
let during: NodeJS.ProcessEnv

async function run(command: Command, words: readonly string[], environment: NodeJS.ProcessEnv) {
  let out = ''
  let error = ''
  const code = await runCommand(command, words, {
    out: (text) => {
      out += text
    },
    error: (text) => {
      error += text
    },
    environment,
    readSecret: async () => '',
  })
  return { code, out, error }
}

/** A process that writes one line about Alice. */
async function serve(environment: NodeJS.ProcessEnv): Promise<void> {
  const { audit, backend } = createStores(environment)
  await backend.open()
  await audit.open?.(backend.deriveKey?.('audit'))
  const owner = { issuer: 'https://login.example.com', subject: 'alice' }
  await audit.append({ type: 'credential.resolved', outcome: 'success', owner, correlationId: 'c', provider: 'jira' })
  await audit.close()
  await backend.close()
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'audit-key-change-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const store = { MCP_VAULT_FOLDER: join(folder, 'data'), MCP_VAULT_KEY: generateKeyText() }
  before = {
    ...store,
    MCP_AUDIT_FOLDER: join(folder, 'audit'),
    MCP_AUDIT_SUBJECTS: 'pseudonym',
    MCP_AUDIT_KEY: oldText,
  }
  during = { ...before, MCP_AUDIT_KEY: newText, MCP_AUDIT_KEY_ACCEPTED: oldText }
  await serve(before)
})

test('verify takes the keys of the environment, and show finds both pseudonyms', async () => {
  await serve(during)
  expect((await run(auditKey, [], during)).out).toBe(`${newPublic}\n`)
  const verified = await run(auditVerify, [], during)
  expect(verified.out).toContain(`can still sign lines. Once no process has it: audit retire --key ${oldPublic}`)
  expect(verified.code).toBe(0)
  const given = ['--folder', join(folder, 'audit'), '--key', oldPublic, '--key', newPublic]
  expect((await run(auditVerify, given, {})).code).toBe(0)
  const shown = await run(auditShow, ['--user', 'alice', '--json', '--folder', join(folder, 'audit')], during)
  expect(shown.out.trimEnd().split('\n')).toHaveLength(2)
  const { MCP_AUDIT_KEY_ACCEPTED: _, ...after } = during
  const without = await run(auditVerify, [], after)
  expect(without.code).toBe(2)
  expect(without.out).toMatch(new RegExp(`^incomplete key_missing: .*${oldPublic}.*--key ${oldPublic}`, 'm'))
})

test('verify names the key that the environment has replaced, whichever process opened last', async () => {
  await serve(during)
  await serve({ ...before, MCP_AUDIT_KEY_ACCEPTED: newText })
  const { out } = await run(auditVerify, [], during)
  expect(out).toContain(`key ${oldPublic} was replaced by key ${newPublic},`)
  expect(out).not.toContain(`audit retire --key ${newPublic}`)
  const fromOld = await run(auditVerify, [], { ...before, MCP_AUDIT_KEY_ACCEPTED: newText })
  expect(fromOld.out).not.toContain('key_not_retired')
})

test('the key that is derived from the store key is replaced by one of its own', async () => {
  const derived: NodeJS.ProcessEnv = { ...before, MCP_AUDIT_FOLDER: join(folder, 'derived'), MCP_AUDIT_KEY: '' }
  await serve(derived)
  const derivedPublic = (await run(auditKey, [], derived)).out.trim()
  const changed = { ...derived, MCP_AUDIT_KEY: newText, MCP_AUDIT_KEY_ACCEPTED: 'derived' }
  await serve(changed)
  expect(await run(auditRetire, ['--key', derivedPublic], changed)).toMatchObject({ code: 0 })
  expect((await run(auditVerify, [], changed)).out).toContain('integrity:    intact\ncompleteness: complete')
})

describe('retire', () => {
  const retire = (environment: NodeJS.ProcessEnv, ...words: string[]) =>
    run(auditRetire, ['--key', oldPublic, ...words], environment)

  test('is a line of the log, once, and the retired key signs nothing after it', async () => {
    expect(await retire(during)).toMatchObject({ code: 0, out: expect.stringContaining('it signed 1 log,') })
    expect(await run(auditVerify, [], during)).toMatchObject({ code: 0 })
    expect((await run(auditShow, ['--type', 'audit.key_retired'], during)).out).toContain('audit.key_retired')
    expect((await retire(during)).error).toMatch(/was retired at 20\S+ already/)
    await expect(serve(before)).rejects.toThrow('was retired at')
    expect(await run(auditVerify, [], during)).toMatchObject({ code: 0 })
    const elsewhere = join(folder, 'elsewhere')
    await serve({ ...before, MCP_AUDIT_FOLDER: elsewhere })
    for (const file of readdirSync(elsewhere)) copyFileSync(join(elsewhere, file), join(folder, 'audit', file))
    const found = await run(auditVerify, [], during)
    expect(found.code).toBe(1)
    expect(found.out).toContain(`tampered   key_retired: key ${oldPublic} was retired at `)
    expect((await retire(during)).error).toContain('the log was tampered with')
  })

  test('refuses a writer that may still sign, unless it is known to have ended', async () => {
    const logs = join(folder, 'audit')
    const known = readdirSync(logs)
    expect((await runCli(['doctor'], before)).code).toBe(0)
    const killed = join(logs, readdirSync(logs).find((name) => !known.includes(name)) ?? '')
    const lines = readFileSync(killed, 'utf8').split('\n')
    writeFileSync(killed, lines.filter((line) => !line.includes('audit.closed')).join('\n'))
    const refused = await retire(during)
    expect(refused.code).toBe(1)
    const [, writer = ''] = /If its process has ended: --accept-unclosed ([0-9a-f]{16})\./.exec(refused.error) ?? []
    expect(await retire(during, '--accept-unclosed', writer)).toMatchObject({ code: 0 })
    // Its end is on the record now: the retired key cannot add the missing line.
    expect((await run(auditVerify, ['--accept-unclosed', writer], during)).code).toBe(0)
  })

  test('refuses while a process still signs with the key', async () => {
    const { audit, backend } = createStores(before)
    // It has no event to log yet.
    await audit.open?.(undefined)
    expect((await retire(during)).error).toMatch(/has not closed its log\. Restart that process with the new key\./)
    await audit.close()
    await backend.close()
    expect(await retire(during)).toMatchObject({ code: 0 })
  })

  test('refuses the current key, a key that is not listed, and no key', async () => {
    expect((await run(auditRetire, ['--key', newPublic], during)).error).toContain('it is the current key')
    expect((await run(auditRetire, ['--key', publicOf(generateKeyText())], during)).error).toContain(
      'MCP_AUDIT_KEY_ACCEPTED',
    )
    expect(await run(auditRetire, [], during)).toMatchObject({
      code: 2,
      error: expect.stringContaining('--key is required'),
    })
    const garbage = await run(auditRetire, ['--key', 'garbage'], during)
    expect(garbage).toMatchObject({ code: 2, error: expect.stringContaining('--key takes a public key') })
  })
})

describe('doctor', () => {
  test('names the accepted keys by their ids, and what still needs them', async () => {
    const web = generateKeyText()
    const environment = { ...during, MCP_WEB_KEY: generateKeyText(), MCP_WEB_KEY_ACCEPTED: web }
    const { out, code } = await run(doctor, [], environment)
    expect(code).toBe(0)
    expect(out).toMatch(
      new RegExp(
        `^ok +web keys besides the current one +${keyId(parseKey(web, 'the test'))}; each is needed until`,
        'm',
      ),
    )
    expect(out).toMatch(
      new RegExp(`^ok +audit keys besides the current one +${oldPublic}: 1 file since 20\\S+ needs it$`, 'm'),
    )
    for (const text of [web, oldText, newText]) expect(out).not.toContain(text.slice(5, 30))
    const next = generateKeyText()
    const unused = await run(doctor, [], { ...during, MCP_AUDIT_KEY_ACCEPTED: next })
    expect(unused.out).toContain(`${publicOf(next)}: no file is signed with it: it is not in use yet, or`)
  })

  test('says that a retired key whose files have expired can go', async () => {
    const known = readdirSync(join(folder, 'audit'))
    await run(auditRetire, ['--key', oldPublic], during)
    for (const file of known) rmSync(join(folder, 'audit', file))
    expect((await run(doctor, [], during)).out).toContain(`${oldPublic}: retired, and no file is signed with it`)
  })

  test('counts the files of a key that is neither current nor listed', async () => {
    const { out, code } = await run(doctor, [], { ...during, MCP_AUDIT_KEY_ACCEPTED: '' })
    expect(code).toBe(1)
    expect(out).toMatch(/^WRONG +the keys of the audit log +1 file since 20\S+ is signed with a key that is neither/m)
  })

  test('tells a list that the server would refuse', async () => {
    const { out, code } = await run(doctor, [], { ...before, MCP_AUDIT_KEY_ACCEPTED: oldText })
    expect(code).toBe(1)
    expect(out).toMatch(
      /^WRONG +audit keys besides the current one +.*same as the current key.*\[configuration_invalid\]$/m,
    )
  })
})
