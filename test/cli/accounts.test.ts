import { afterAll, beforeAll, expect, test } from 'vitest'
import { ISSUER, type MainCommand, mainCommand } from '../harness/processes/cli-process.ts'

const ALICE = ['--issuer', ISSUER, '--subject', 'alice']
const NAMES = ['jira', 'jira-cloud', 'jira@work']

let command: MainCommand
beforeAll(async () => {
  command = await mainCommand()
  // A record makes the store.
  await command.store('bob', { pat: 'tok-bob-99c1' })
  const rows = NAMES.map((provider) =>
    JSON.stringify({ provider, issuer: ISSUER, subject: 'alice', fields: { pat: `tok-${provider}-3d0b` } }),
  )
  const seeded = await command.run(['seed'], rows.join('\n'))
  expect(seeded, seeded.error).toMatchObject({ code: 0 })
}, 60_000)
afterAll(() => command.remove())

interface Printed {
  readonly credentials?: readonly { provider: string; subject: string; version?: string; result?: string }[]
  readonly orphans?: Printed['credentials']
}

async function rowsOf(...words: string[]) {
  const { code, out, error } = await command.inProcess([...words, '--json'])
  expect(code, error).toBe(0)
  const { credentials, orphans } = JSON.parse(out) as Printed
  return (orphans ?? credentials ?? []).filter(({ subject }) => subject === 'alice')
}

const namesOf = async (...words: string[]) => (await rowsOf(...words)).map(({ provider }) => provider).sort()

test('a filter that names the provider means all its accounts, and one that names an account means that one', async () => {
  expect(await namesOf('list')).toEqual(NAMES)
  expect(await namesOf('list', '--provider', 'jira')).toEqual(['jira', 'jira@work'])
  expect(await namesOf('list', '--provider', 'jira@work')).toEqual(['jira@work'])
  expect(await namesOf('orphans', '--providers', 'jira')).toEqual(['jira-cloud'])
  expect(await namesOf('orphans', '--providers', 'jira@work,jira-cloud')).toEqual(['jira'])
})

test('one account is rotated and found in the log by its own name', async () => {
  const rotated = await command.run(['rotate', 'jira@work', ...ALICE], 'tok-new-77ab')
  expect(rotated, rotated.error).toMatchObject({ code: 0 })
  expect((await rowsOf('list')).map(({ provider, version }) => [provider, version]).sort()).toEqual([
    ['jira', '1'],
    ['jira-cloud', '1'],
    ['jira@work', '2'],
  ])
  const logged = async (provider: string) => {
    const { out } = await command.inProcess(['audit', 'show', '--provider', provider, '--type', 'credential.stored'])
    return new Set(out.match(/jira[\w@-]*/g))
  }
  expect(await logged('jira@work')).toEqual(new Set(['jira@work']))
  expect(await logged('jira')).toEqual(new Set(['jira', 'jira@work']))
})

test('revoke --all with an account revokes that one; with the provider, the rest', async () => {
  const results = async (provider: string) =>
    (await rowsOf('revoke', '--all', '--provider', provider, '--yes')).map((row) => [row.provider, row.result])
  expect(await results('jira@work')).toEqual([['jira@work', 'revoked']])
  expect(await results('jira')).toEqual([['jira', 'revoked']])
})

test.each(['jira@', '@work', 'jira@work@x', 'jira@Work'])('the name %s is wrong usage', async (name) => {
  const { code, error } = await command.inProcess(['rollback', '--provider', name, ...ALICE])
  expect(code).toBe(2)
  expect(error).toContain('jira@work for one of its accounts')
})
