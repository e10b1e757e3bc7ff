import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ISSUER, type MainCommand, mainCommand } from '../../harness/processes/cli-process.ts'

// An operator types or pipes a token where a name belongs. What a command prints ends in the logs of a CI.

let command: MainCommand
beforeAll(async () => {
  command = await mainCommand()
  await command.store('somebody', { pat: 'x-1' })
}, 60_000)
afterAll(() => command.remove())

const CAPITALS = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const OWNER = ['--provider', 'jira', '--issuer', ISSUER, '--subject', 'bot']

test.each([
  ['a variable', ['--field', `pat=${CAPITALS}`], 1],
  ['the variable of a second field', ['--field', 'site=A', '--field', `pat=${CAPITALS}`], 2],
  ['a field', ['--field', 'glpat_canary77=MISSING'], 1],
])('import env does not print a token in place of %s', async (_, words, number) => {
  const env = join(command.root, 'x.env')
  writeFileSync(env, 'A=b\n')
  chmodSync(env, 0o600)
  const { code, out, error } = await command.run(['import', 'env', '--file', env, ...OWNER, ...words])
  expect([code, error]).toEqual([2, expect.stringContaining(`the variable that --field number ${number} names`)])
  expect(error).toContain('the name of a variable in it, and never its value')
  expect(out + error).not.toMatch(/JBSWY3DP|canary77/)
})

test.each([
  ['blank', ' '],
  ['of two lines', 'a\nb'],
  ['too long', 'x'.repeat(100_000)],
])('seed does not print a token in place of the name of a field whose value is %s', async (_, value) => {
  const fields = { pat: 'tok-1', glpat_canary77f1c09a2e: value }
  const line = JSON.stringify({ provider: 'jira', issuer: ISSUER, subject: 'swap', fields })
  const { code, out, error } = await command.run(['seed'], line)
  expect([code, error]).toEqual([2, expect.stringContaining('has a field, number 2 of those with a value,')])
  expect(out + error).not.toContain('canary77')
  expect(await command.stored('swap').catch(() => 'absent')).toBe('absent')
})
