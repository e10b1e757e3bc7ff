import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { DOCTOR_ISSUER } from '../../src/cli/doctor/leftover.ts'
import { parseKey } from '../../src/core/crypto/key-text.ts'
import { freePort } from '../harness/free-port.ts'
import { ISSUER, type MainCommand, mainCommand } from '../harness/processes/cli-process.ts'
import { startProcess } from '../harness/processes/running-process.ts'

let command: MainCommand

beforeAll(async () => {
  command = await mainCommand()
  await command.store('alice', { pat: 'tok-canary-1' })
  writeFileSync(join(command.root, 'tools.mjs'), 'export default () => undefined')
}, 60_000)
afterAll(() => command.remove())

const LOCAL = `MCP_LOCAL_ACCESS_TOKEN=${'t'.repeat(32)}`

describe('list', () => {
  test.each([
    ['--provider jra', 'No credential matches --provider jra.'],
    ['--provider jira --subject nobody', 'No credential matches --provider jira --subject nobody.'],
  ])('%s says that the filter found nothing', async (words, text) => {
    const { code, out } = await command.inProcess(['list', ...words.split(' ')])
    expect([code, out]).toEqual([0, expect.stringContaining(text)])
  })

  test('marks what doctor left', async () => {
    expect((await command.inProcess(['list'])).out).not.toContain("Not a user's")
    await command.store('doctor', { probe: '1' }, DOCTOR_ISSUER)
    const marked = await command.inProcess(['list'])
    expect(marked.out).toMatch(
      /^Not a user's: a revoked test record of "doctor" is left\. Remove it as operator with: /m,
    )
    const [, remove = ''] = /Remove it as operator with: mcp-credential-vault (.*)$/m.exec(marked.out) ?? []
    expect((await command.inProcess(remove.split(' '))).code).toBe(0)
    expect((await command.inProcess(['list'])).out).not.toContain('doctor')
  })
})

test('a folder in place of the key file is not to be locked away from its user', async () => {
  chmodSync(command.root, 0o755)
  const { code, error } = await command.shell('MCP_VAULT_KEY_FILE=. $MCV list')
  expect([code, error]).toEqual([
    1,
    expect.stringContaining('The key file of MCP_VAULT_KEY_FILE (.) is a folder, not a file'),
  ])
  expect(error).not.toContain('chmod')
})

describe('settings', () => {
  test.each([
    ['MCP_CACHE_SECONDS=400', 'environment.MCP_CACHE_SECONDS: must be at most 300'],
    ['MCP_VAULT_BACKEND=vlt', 'environment.MCP_VAULT_BACKEND: must be one of sealed-file, vault,'],
    ['MCP_SERVER_BASE_URL=localhost:18205', 'must begin with https://, or on this machine with http://localhost'],
  ])('%s is refused in plain words', async (setting, text) => {
    const base = `MCP_SERVER_BASE_URL=http://localhost:8005 ${LOCAL} ${setting}`
    const { code, error } = await command.shell(`${base} $MCV start tools.mjs --port 0`)
    expect([code, error]).toEqual([1, expect.stringContaining(text)])
    expect(error).not.toMatch(/Too big|expected|Invalid/)
  })

  test('a variable with a mistyped name is named, with the nearest one', async () => {
    const { code, error } = await command.shell('MCP_VAULT_KEYFILE=x MCP_AUDIT_FOLDR=y MCP_INSPECTOR_PORT=1 $MCV list')
    expect(code).toBe(0)
    expect(error.split('\n')).toEqual([
      'mcp-credential-vault: the environment variable MCP_AUDIT_FOLDR is not read. Did you mean MCP_AUDIT_FOLDER?',
      'mcp-credential-vault: the environment variable MCP_VAULT_KEYFILE is not read. Did you mean MCP_VAULT_KEY_FILE?',
      '',
    ])
  })
})

describe('filters of the audit log', () => {
  test.each([
    ['--type form.opend', 'did you mean form.opened?'],
    ['--type nonsense', '--type takes one of credential, child, account, form, login'],
    ['--outcome sucess', 'did you mean success?'],
    ['--outcome foo', '--outcome takes one of success, failure, denied, error'],
  ])('%s is wrong usage', async (words, text) => {
    const { code, error } = await command.inProcess(['audit', 'show', ...words.split(' ')])
    expect([code, error]).toEqual([2, expect.stringContaining(text)])
  })
})

describe('keygen --out', () => {
  test('writes a key that only its user can read, and leaves a file that exists', async () => {
    const file = join(command.root, 'new.key')
    const made = await command.run(['keygen', '--out', 'new.key'])
    expect([made.code, made.out]).toEqual([
      0,
      expect.stringMatching(/^Wrote a new key to new\.key\. Its id is [0-9a-f]{4}-[0-9a-f]{4}\.\n$/),
    ])
    const key = readFileSync(file, 'utf8')
    expect(parseKey(key, 'test')).toHaveLength(32)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const again = await command.inProcess(['keygen', '--out', 'new.key'])
    expect([again.code, again.error]).toEqual([1, expect.stringContaining('already exists')])
    expect(readFileSync(file, 'utf8')).toBe(key)
    expect(made.out + again.out + again.error).not.toContain('mcv1_')
  })

  test('says that its folder is missing', async () => {
    const { code, error } = await command.inProcess(['keygen', '--out', 'nowhere/new.key'])
    expect([code, error]).toEqual([1, expect.stringContaining('in a folder that does not exist')])
  })
})

test('start listens on the port of a base URL on this machine', async () => {
  const port = await freePort()
  const url = `http://localhost:${port}`
  const server = await startProcess(
    process.execPath,
    [command.script, 'start', join(command.root, 'tools.mjs')],
    { ...command.environment, MCP_SERVER_BASE_URL: url, MCP_LOCAL_ACCESS_TOKEN: 't'.repeat(32) },
    async () => (await fetch(`${url}/health`)).ok,
  )
  onTestFinished(() => server.stop())
  expect(server.output()).toContain(`Serving ${url}/mcp`)
})

test('without --issuer and --subject, the owner is asked for', async () => {
  const { code, error } = await command.inProcess(['show', 'jira', '--issuer', ISSUER])
  expect([code, error]).toEqual([2, expect.stringContaining('--issuer and --subject are required')])
})
