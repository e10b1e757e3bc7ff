import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ISSUER, type MainCommand, mainCommand } from '../../harness/processes/cli-process.ts'

const SECRET = 'tok-canary-77f1c09a2e'

let command: MainCommand
beforeAll(async () => {
  command = await mainCommand()
  await command.store('alice', { pat: SECRET })
}, 60_000)
afterAll(() => command.remove())

async function run(words: readonly string[]) {
  const done = await command.run(words)
  expect(done.out + done.error).not.toContain('tok-canary')
  return done
}

const file = (...given: Parameters<MainCommand['file']>) => command.file(...given)

describe('import env', () => {
  const BOT = ['--provider', 'jira', '--issuer', ISSUER, '--subject', 'build-bot']

  test('takes the variables that are named, for the owner that is named', async () => {
    const env = file('.env', `# old server\nJIRA_TOKEN="${SECRET}"\nOTHER=x\nJIRA_URL=https://jira.example.com\n`)
    const words = ['import', 'env', '--file', env, ...BOT, '--field', 'pat=JIRA_TOKEN', '--field', 'site=JIRA_URL']
    expect((await run([...words, '--dry-run'])).out).toContain('1 would be stored')
    expect((await run(words)).out).toContain('1 stored, 0 replaced, 0 kept, 0 failed.')
    expect(await command.stored('build-bot')).toEqual({ pat: SECRET, site: 'https://jira.example.com' })
  })

  test.each([
    ['no field', [], '--field is required'],
    ['a value in place of a name', ['--field', `pat=${SECRET}`], '--field takes FIELD=VARIABLE'],
    [
      'a variable that is not set',
      ['--field', 'pat=JIRA_TOKN'],
      'does not set the variable that --field number 1 names',
    ],
    ['a field twice', ['--field', 'pat=OTHER', '--field', 'pat=JIRA_URL'], '--field names the same field twice'],
  ])('%s is named', async (_, words, problem) => {
    const env = file('.env', `JIRA_TOKEN=${SECRET}\nOTHER=x\nJIRA_URL=y\n`)
    const { code, error } = await run(['import', 'env', '--file', env, ...BOT, ...words])
    expect([code, error]).toEqual([2, expect.stringContaining(problem)])
  })

  test('a file that others may read is refused', async () => {
    const env = file('open.env', `JIRA_TOKEN=${SECRET}\n`, 0o640)
    const { code, error } = await run(['import', 'env', '--file', env, ...BOT, '--field', 'pat=JIRA_TOKEN'])
    expect([code, error]).toEqual([2, expect.stringContaining(`Run: chmod 600 ${env}`)])
  })
})

test('import csv takes provider and issuer from options', async () => {
  const csv = file('export.csv', `subject,pat\nalice,${SECRET}-new\ndora,${SECRET}-dora\n`)
  const words = ['import', 'csv', '--file', csv, '--provider', 'jira', '--issuer', ISSUER]
  const { code, out } = await run([...words, '--json'])
  expect([code, JSON.parse(out)]).toMatchObject([0, { stored: 1, kept: 1 }])
  expect(await command.stored('alice')).toEqual({ pat: SECRET })
  expect(await command.stored('dora')).toEqual({ pat: `${SECRET}-dora` })
  const twice = await run([...words.slice(0, 4), '--provider', 'jira'])
  expect([twice.code, twice.error]).toEqual([2, expect.stringContaining('the first line lacks the column issuer')])
})
