import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { type MainCommand, mainCommand } from '../harness/processes/cli-process.ts'

let command: MainCommand

beforeAll(async () => {
  command = await mainCommand()
  await command.store('alice', { pat: 'tok-canary-1' })
  await command.inProcess(['list'])
  writeFileSync(join(command.root, 'other.key'), generateKeyText(), { mode: 0o600 })
  writeFileSync(join(command.root, 'x.log'), 'hello\n')
}, 60_000)
afterAll(() => command.remove())

test('an exported CSV has the line ends of RFC 4180 when it leaves the process, and no control character', async () => {
  await command.store('zero\u200Bwidth', { pat: 'tok-canary-2' })
  await command.inProcess(['show', 'jira', '--issuer', 'https://login.example.com', '--subject', 'zero\u200Bwidth'])
  const { code, out } = await command.run(['audit', 'export', '--format', 'csv'])
  expect(code).toBe(0)
  const rows = out.split('\r\n')
  expect(rows[0]).toMatch(/^at,type,.*,seq,id$/)
  expect(rows.length).toBeGreaterThan(4)
  expect(rows.at(-1)).toBe('')
  expect(rows.join('')).not.toMatch(/[\r\n]|\\u000d/)
  expect(out).toContain('zero\\u200bwidth')
})

describe('a log that cannot be verified is not reported as tampered', () => {
  test.each([
    ['audit verify --folder ./dat/audit', 'There is no audit log in ./dat/audit'],
    ['audit verify --folder vault.key', 'vault.key is a file, not a folder'],
    ['audit reconcile --vault-log x.log --folder vault.key', 'x.log'],
    ['audit show --folder vault.key', 'vault.key is a file, not a folder'],
    ['audit verify --anchors nowhere.log', '--anchors'],
    ['audit verify --anchors x.log', 'no checkpoint'],
    ['audit verify --anchors /dev/null', 'no checkpoint'],
    ['audit reconcile --vault-log nowhere.log', '--vault-log'],
    ['audit reconcile --vault-log x.log', 'no entry'],
    ['audit reconcile --vault-log /dev/null', 'no entry'],
    ['audit reconcile --cloudtrail x.log', 'not a CloudTrail log'],
  ])('%s', async (words, problem) => {
    const { code, out, error } = await command.inProcess(words.split(' '))
    expect([code, out, error]).toEqual([words.includes('show') ? 1 : 4, '', expect.stringContaining(problem)])
  })

  test.each([
    'MCP_VAULT_FOLDER=./nope $MCV audit verify',
    'MCP_VAULT_KEY_FILE=other.key $MCV audit verify',
    'MCP_VAULT_KEY_FILE=other.key $MCV audit verify --json',
    '$MCV audit verify > /dev/full',
  ])('%s', async (line) => {
    expect((await command.shell(line)).code).toBe(4)
  })

  test.each([
    ['audit', 'verify', '--folder', './dat/audit'],
    ['audit', 'reconcile', '--vault-log', 'x.log', '--folder', 'vault.key'],
    ['audit', 'show', '--folder', 'vault.key'],
    ['audit', 'verify', '--keys', 'x'],
  ])('as a process, the command says and ends with the same: %s %s %s %s', async (...words) => {
    expect(await command.run(words)).toEqual(await command.inProcess(words))
  })

  test('wrong usage keeps its code', async () => {
    expect((await command.inProcess(['audit', 'verify', '--keys', 'x'])).code).toBe(3)
    expect((await command.inProcess(['audit', 'reconcile'])).code).toBe(2)
  })

  test('the help names the same codes', async () => {
    expect((await command.inProcess(['audit', 'verify', '--help'])).out).toMatch(/3 wrong usage,\s+4 not verified/)
    expect((await command.inProcess(['audit', 'reconcile', '--help'])).out).toMatch(/4 not compared/)
  })
})

test('verify and reconcile say how much they compared', async () => {
  const anchored = await command.shell(
    'MCP_AUDIT_ANCHOR=stderr $MCV list 2> anchors.log; $MCV audit verify --anchors anchors.log',
  )
  expect([anchored.code, anchored.out]).toEqual([
    0,
    expect.stringContaining('compared with 1 checkpoint of anchors.log'),
  ])
  const request = { id: 'r1', operation: 'read', path: 'other/data/x' }
  const entry = JSON.stringify({ type: 'response', time: new Date(0).toISOString(), request })
  writeFileSync(join(command.root, 'vault.log'), `${entry}\n`)
  const { code, out } = await command.inProcess(['audit', 'reconcile', '--vault-log', 'vault.log'])
  expect([code, out]).toEqual([
    0,
    expect.stringContaining('1 entry of vault.log, 0 accesses to secrets below secret/mcp'),
  ])
})

test('an unclosed log says how to accept it', async () => {
  await command.shell('MCP_AUDIT_FOLDER=./killed $MCV list')
  // Without its last line, "audit.closed", the log is that of a process that was killed.
  await command.shell("f=$(echo killed/audit-*); sed -i '$d' $f")
  const { code, out } = await command.inProcess(['audit', 'verify', '--folder', 'killed'])
  expect(code).toBe(2)
  expect(out).toMatch(/unclosed: writer ([0-9a-f]{16}) .*If that is known: --accept-unclosed \1/)
})
