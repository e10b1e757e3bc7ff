import { execFileSync } from 'node:child_process'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { seed } from '../../../src/cli/provision/seed.ts'
import { runCommand } from '../../../src/cli/terminal/command.ts'
import { bar } from '../../../src/cli/terminal/progress.ts'
import { ISSUER, type MainCommand, mainCommand } from '../../harness/processes/cli-process.ts'

// Between the look at a credential and the write, its owner saves or revokes it. What the owner did is newer than the operator's file.

let command: MainCommand
beforeEach(async () => {
  command?.remove()
  command = await mainCommand()
  await command.store('zoe', { pat: 'tok-zoe-1' })
}, 60_000)
afterAll(() => command.remove())

const row = (subject: string, pat: string) =>
  JSON.stringify({ provider: 'jira', issuer: ISSUER, subject, fields: { pat } })

const ALICE_AND_ZOE = [row('alice', 'tok-from-the-file'), row('zoe', 'tok-from-the-file')].join('\n')

/** Runs `seed` for alice and zoe. Once it has looked at both, another process runs the command with these words. */
async function seedWhile(words: readonly string[], other: readonly string[], input = '') {
  let out = ''
  const code = await runCommand(seed, [...words, '--json'], {
    out: (text) => {
      out += text
    },
    error: () => undefined,
    environment: command.environment,
    readSecret: async () => '',
    readInput: async () => Buffer.from(ALICE_AND_ZOE),
    progress(line) {
      if (line !== bar('check', 2, 2)) return
      const env = { ...process.env, ...command.environment }
      execFileSync(process.execPath, [command.script, ...other], { env, input, stdio: 'pipe' })
    },
  })
  const { credentials, ...summary } = JSON.parse(out)
  return { code, summary, rows: credentials.map(({ result, error }: Record<string, unknown>) => [result, error]) }
}

test('seed --replace does not overwrite what its owner has saved since', async () => {
  const { code, summary, rows } = await seedWhile(
    ['--replace'],
    ['seed', '--replace'],
    row('zoe', 'tok-typed-just-now'),
  )
  expect(await command.stored('zoe')).toEqual({ pat: 'tok-typed-just-now' })
  expect(rows).toEqual([
    ['stored', undefined],
    ['failed', 'conflict'],
  ])
  expect([code, summary]).toMatchObject([1, { stored: 1, replaced: 0, failed: 1 }])
})

test('nor what was not there when it looked', async () => {
  const { code, rows } = await seedWhile(['--replace'], ['seed'], row('alice', 'tok-typed-just-now'))
  expect(await command.stored('alice')).toEqual({ pat: 'tok-typed-just-now' })
  expect([code, rows]).toEqual([
    1,
    [
      ['failed', 'conflict'],
      ['replaced', undefined],
    ],
  ])
})

test('nor does it bring back what its owner has revoked since', async () => {
  const { code, rows } = await seedWhile(['--replace'], ['revoke', 'jira', '--issuer', ISSUER, '--subject', 'zoe'])
  expect(await command.stored('zoe').catch(() => 'none')).not.toEqual({ pat: 'tok-from-the-file' })
  expect([code, rows[1]]).toEqual([1, ['failed', 'conflict']])
})

test('without --replace, one that was saved since is kept like those before', async () => {
  const { code, rows } = await seedWhile([], ['seed'], row('alice', 'tok-typed-just-now'))
  expect(await command.stored('alice')).toEqual({ pat: 'tok-typed-just-now' })
  expect([code, rows]).toEqual([
    0,
    [
      ['kept', undefined],
      ['kept', undefined],
    ],
  ])
})
