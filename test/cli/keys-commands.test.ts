import { existsSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { ISSUER, type MainCommand, mainCommand } from '../harness/processes/cli-process.ts'
import { lostOf, saveMany } from '../harness/sealed-file/many-records.ts'
import { startBusyUsers } from '../harness/sealed-file/start-busy-users.ts'
import { headersIn, lettingKeysAge } from '../harness/sealed-file/store-keys.ts'

let main: MainCommand
beforeEach(async () => {
  main = await mainCommand()
  onTestFinished(() => main.remove())
})

const folderOf = () => main.environment.MCP_VAULT_FOLDER
const keyFileOf = () => main.environment.MCP_VAULT_KEY_FILE
const age = () => lettingKeysAge({ folder: folderOf(), key: readFileSync(keyFileOf(), 'utf8') })

function auditTypes(): string[] {
  const folder = join(folderOf(), 'audit')
  const lines = readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'))
  return lines.flatMap((line) => (line.startsWith('{') ? (JSON.parse(line).type ?? JSON.parse(line).event?.type) : []))
}

async function json(...words: string[]) {
  const { code, out, error } = await main.run([...words, '--json'])
  return { code, error, ...JSON.parse(out) }
}

test('rotate, reseal, retire and compromise, each as its own process, and each in the audit log', async () => {
  await main.store('alice', { pat: 'a' })
  await main.store('bob', { pat: 'b' })
  const { key, previous } = await json('keys', 'rotate')
  expect(await json('keys', 'reseal', '--dry-run')).toMatchObject({ code: 0, dryRun: true, total: 2, resealed: 2 })
  expect(await json('keys', 'retire')).toMatchObject({ code: 1, error: expect.anything() })
  const resealed = await main.run(['keys', 'reseal'])
  expect(resealed).toMatchObject({ code: 0, out: 'Rewrote 2 of 2 records; 0 already under the newest key.\n' })
  expect(resealed.error).toContain('keys reseal: 2 of 2 records')
  await age()
  expect(await main.run(['keys', 'retire', '--dry-run'])).toMatchObject({
    out: `Would remove ${previous}. ${key} is the newest key.\n`,
  })
  expect(await main.run(['keys', 'retire'])).toMatchObject({
    code: 0,
    out: `Removed ${previous}. ${key} is the only key.\n`,
  })
  expect(await main.stored('alice')).toEqual({ pat: 'a' })
  const exposed = await json('keys', 'compromise', '--key', previous)
  expect(exposed.credentials).toMatchObject([
    { subject: 'alice', exposed: 'current', version: '1' },
    { subject: 'bob', exposed: 'current', version: '1' },
  ])
  expect((await main.run(['keys', 'compromise'])).out).toMatch(/^PROVIDER +ISSUER +SUBJECT +EXPOSED/)
  expect(await main.run(['revoke', 'jira', '--issuer', ISSUER, '--subject', 'alice', '--purge'])).toMatchObject({
    code: 0,
  })
  expect((await main.run(['keys', 'compromise'])).out).toContain(
    '\n1 purged or emptied record no longer says whose it was. The audit log does.\n',
  )
  const types = auditTypes()
  for (const type of ['key.rotated', 'key.resealing', 'key.resealed', 'key.retired', 'key.exposure_listed'])
    expect(types).toContain(type)
  const log = readdirSync(join(folderOf(), 'audit')).map((file) =>
    readFileSync(join(folderOf(), 'audit', file), 'utf8'),
  )
  expect(log.join('')).toMatch(/"type":"key.resealed"[^\n]*"count":2/)
})

test('rewrap: the new key opens store and log, the old one neither, and the earlier log is verified with both', async () => {
  await main.store('alice', { pat: 'a' })
  await main.run(['list'])
  const file = join(main.root, 'new.key')
  expect(await main.run(['keygen', '--out', file])).toMatchObject({ code: 0 })
  const without = await main.inProcess(['keys', 'rewrap', '--new-key-file', file])
  expect([without.code, without.error]).toEqual([1, expect.stringContaining('Add --keep-audit-key FILE')])
  expect(await main.stored('alice')).toEqual({ pat: 'a' })
  const kept = join(main.root, 'audit-until-now.key')
  const done = await json('keys', 'rewrap', '--new-key-file', file, '--keep-audit-key', kept)
  expect(statSync(kept).mode & 0o777).toBe(0o600)
  expect(done).toMatchObject({ code: 0, storeKey: expect.stringMatching(/^[0-9a-f]{4}-[0-9a-f]{4}$/) })
  const wrong = await main.run(['list'])
  expect(wrong).toMatchObject({ code: 1, error: expect.stringContaining(`locked with key ${done.storeKey}`) })
  writeFileSync(keyFileOf(), readFileSync(file))
  expect(await main.stored('alice')).toEqual({ pat: 'a' })
  expect((await main.run(['list'])).code).toBe(0)
  const { publicKey } = await json('audit', 'key')
  const verified = await main.run(['audit', 'verify', '--key', done.earlierAuditKey, '--key', publicKey])
  expect(verified, verified.out).toMatchObject({ code: 0 })
  expect(auditTypes()).toContain('key.rewrapped')
  expect((await main.shell(`MCP_AUDIT_KEY_ACCEPTED_FILE=${kept} $MCV audit verify`)).code).toBe(0)
  const forgotten = await main.shell('$MCV doctor')
  expect(forgotten.code).toBe(1)
  expect(forgotten.out).toMatch(/^WRONG +the keys of the audit log +\d+ files since 20\S+ are signed .* nor listed\./m)
  expect((await main.shell(`MCP_AUDIT_KEY_ACCEPTED_FILE=${kept} $MCV doctor`)).code).toBe(0)
})

test('rewrap keeps the derived audit key that is listed by its word, and refuses for the web key', async () => {
  await main.store('alice', { pat: 'a' })
  await main.run(['list'])
  for (const name of ['audit', 'new', 'web']) await main.run(['keygen', '--out', join(main.root, `${name}.key`)])
  const listed = `MCP_AUDIT_KEY_FILE=${main.root}/audit.key MCP_AUDIT_KEY_ACCEPTED=derived`
  const rewrap = `keys rewrap --new-key-file ${main.root}/new.key`
  const refused = await main.shell(`${listed} $MCV ${rewrap}`)
  expect([refused.code, refused.error]).toEqual([
    1,
    expect.stringMatching(/MCP_AUDIT_KEY_ACCEPTED lists "derived".*Add --keep-audit-key FILE/),
  ])
  const web = `MCP_WEB_KEY_FILE=${main.root}/web.key MCP_WEB_KEY_ACCEPTED=derived`
  expect((await main.shell(`${web} $MCV ${rewrap}`)).error).toContain('MCP_WEB_KEY_ACCEPTED lists "derived"')
  const taken = await main.shell(`${listed} $MCV ${rewrap} --keep-audit-key ${main.root}/web.key`)
  expect([taken.code, taken.error]).toEqual([1, expect.stringContaining('already exists')])
  const kept = join(main.root, 'kept.key')
  const done = await main.shell(`${listed} $MCV ${rewrap} --keep-audit-key ${kept}`)
  expect(done).toMatchObject({ code: 0, out: expect.stringContaining(`MCP_AUDIT_KEY_ACCEPTED_FILE=${kept}`) })
  writeFileSync(keyFileOf(), readFileSync(join(main.root, 'new.key')))
  const after = `MCP_AUDIT_KEY_FILE=${main.root}/audit.key MCP_AUDIT_KEY_ACCEPTED_FILE=${kept}`
  expect(await main.shell(`${after} $MCV audit verify`)).toMatchObject({ code: 0 })
  const doctor = await main.shell(`${after} $MCV doctor`)
  expect(doctor, doctor.out).toMatchObject({ code: 0 })
})

test('a failed rewrap leaves no copy of the audit key', async () => {
  await main.store('alice', { pat: 'a' })
  await main.run(['list'])
  const kept = join(main.root, 'kept.key')
  const same = await main.inProcess(['keys', 'rewrap', '--new-key-file', keyFileOf(), '--keep-audit-key', kept])
  expect(same.error).toContain('already')
  expect(existsSync(kept)).toBe(false)
})

describe('an operator who mistypes', () => {
  const said = async (...words: string[]) => {
    const { code, error } = await main.inProcess(words)
    return `${code} ${error}`
  }

  test('gets told what to type', async () => {
    await main.store('alice', { pat: 'a' })
    expect(await said('keys')).toMatch(/^2 .*keys takes one of rotate, reseal, rewrap, retire, compromise/)
    expect(await said('keys', 'roatte')).toMatch(/^2 .*did you mean keys rotate\?/)
    expect(await said('keys', 'rotate', 'now')).toMatch(/^2 .*it takes no parameters/)
    expect(await said('keys', 'reseal', '--dryrun')).toMatch(/^2 .*did you mean --dry-run\?/)
    expect(await said('keys', 'rewrap')).toMatch(/^2 .*--new-key-file is required/)
    expect(await said('keys', 'rewrap', '--new-key-file', join(main.root, 'none'))).toMatch(/^1 .*cannot be read/)
    writeFileSync(join(main.root, 'short'), 'mcv1_short', { mode: 0o600 })
    expect(await said('keys', 'rewrap', '--new-key-file', join(main.root, 'short'))).toMatch(/^1 .*is not a key/)
    const copy = join(main.root, 'copy.key')
    expect(await said('keys', 'rewrap', '--new-key-file', keyFileOf(), '--keep-audit-key', copy)).toMatch(
      /^1 .*locked with key .* already/,
    )
    expect(await said('keys', 'compromise', '--key', 'mcv1_x')).toMatch(/^2 .*--key takes the id of a key/)
    expect(await said('keys', 'compromise', '--key', '00000000')).toMatch(
      /^1 .*Its keys, newest first, are [0-9a-f]{8}\./,
    )
    expect(await main.stored('alice')).toEqual({ pat: 'a' })
    expect(auditTypes()).toContain('key.change_failed')
  })

  test('of another backend is told whose keys those are', async () => {
    const { code, error } = await main.shell('MCP_VAULT_BACKEND=memory $MCV keys rotate')
    expect([code, error]).toEqual([1, expect.stringContaining('Only the sealed file has keys')])
  })
})

test('reseal of 500 records while 20 users save and read in another process: nothing is lost', async () => {
  const place = { folder: folderOf(), keyFile: keyFileOf() }
  await saveMany(place, 500)
  const users = startBusyUsers(place, { users: 20, records: 500 })
  onTestFinished(() => users.kill())
  await expect.poll(() => users.saves(), { timeout: 30_000 }).toBeGreaterThan(40)
  const before = users.saves()
  await json('keys', 'rotate')
  const first = await json('keys', 'reseal')
  const { key } = await json('keys', 'rotate')
  const second = await json('keys', 'reseal')
  const meanwhile = users.saves() - before
  const { code, last, wrong } = await users.end()
  expect([code, wrong]).toEqual([0, []])
  expect(first).toMatchObject({ code: 0, total: 520, damaged: [] })
  expect(second).toMatchObject({ code: 0, total: 520, damaged: [] })
  expect(second.resealed).toBeGreaterThanOrEqual(500)
  expect(meanwhile).toBeGreaterThan(20)
  for (const [user, number] of last) expect(await main.stored(user)).toEqual({ pat: number })
  expect(last.size).toBe(20)
  expect(await lostOf(place, 500)).toEqual([])
  const newest = new Map((await headersIn(place.folder)).map((header) => [header.id, header.sealKey]))
  expect([...new Set(newest.values())]).toEqual([key])
})

test('a store of another folder is named, and nothing is made there', async () => {
  const empty = mkdtempSync(join(main.root, 'empty-'))
  const { code, error } = await main.shell(`MCP_VAULT_FOLDER=${empty} $MCV keys rotate`)
  expect([code, error]).toEqual([1, expect.stringContaining('There is no store in')])
  expect(readdirSync(empty)).toEqual([])
})
