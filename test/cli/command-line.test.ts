import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PUBLIC_KEY } from '../../src/audit/line/audit-keys.ts'
import { commands } from '../../src/cli/commands.ts'
import { parseCommandLine } from '../../src/cli/terminal/command-line.ts'
import { nearest } from '../../src/core/host/nearest.ts'
import { ISSUER, type MainCommand, mainCommand } from '../harness/processes/cli-process.ts'

const names = [...commands.keys()]
let command: MainCommand

beforeAll(async () => {
  command = await mainCommand()
  await command.store('alice', { pat: 'tok-canary-1' })
}, 60_000)
afterAll(() => command.remove())

describe('F16: what is mistyped on the command line is named', () => {
  test.each([
    ['list --subjekt x', 'there is no option --subjekt, did you mean --subject?'],
    ['list --provider=jira --jsno', 'there is no option --jsno, did you mean --json?'],
    ['revoke jira --pruge', 'there is no option --pruge, did you mean --purge?'],
    ['rotate jira --feld pat', 'there is no option --feld, did you mean --field?'],
    ['start tools.mjs --prot 80', 'there is no option --prot, did you mean --port?'],
    ['doctor --nothing-like-it', 'there is no option --nothing-like-it.'],
    ['list -x', 'there is no option -x.'],
    ['lst', 'there is no command lst, did you mean list?'],
    ['rotat jira', 'there is no command rotat, did you mean rotate?'],
    ['lst --provider jira', 'there is no command lst, did you mean list?'],
    ['audit verfy', 'there is no command audit verfy, did you mean audit verify?'],
    ['audti show', 'there is no command audti show, did you mean audit show?'],
    ['audit', 'audit takes one of verify, tail, show, export, reconcile, key, retire.'],
    ['audit --folder x', 'audit takes one of verify, tail, show, export, reconcile, key, retire.'],
    ['audit show --usr x', 'there is no option --usr, did you mean --user?'],
    ['audit tail --line 3', 'there is no option --line, did you mean --lines?'],
    ['audit export --formta csv', 'there is no option --formta, did you mean --format?'],
    ['audit reconcile --vaultlog x', 'there is no option --vaultlog, did you mean --vault-log?'],
    ['audit key --jsom', 'there is no option --jsom, did you mean --json?'],
    ['--vresion', 'options come after the command, did you mean --version?'],
    ['--json list', 'options come after the command.'],
    ['nonsense', 'there is no command nonsense.'],
    ['list --json=yes', '--json takes no value.'],
    ['list --provider', '--provider needs a value'],
    ['show jira --issuer --subject alice', '--issuer needs a value'],
    ['show jira --issuer a --subject x --subject y', '--subject is given twice'],
    ['show jira github --issuer a --subject x', 'it takes PROVIDER alone.'],
  ])('%s', async (words, problem) => {
    const { code, out, error } = await command.inProcess(words.split(' '))
    expect([code, out]).toEqual([2, ''])
    expect(error).toContain(problem)
    expect(error.trimEnd().split('\n')).toHaveLength(1)
    expect(error).toMatch(/ See: mcp-credential-vault .*--help$/m)
  })

  test.each([['-Zo0Jv3Cw_mPq8yTnUoXlA1KcB4dE5fG6hI7jK8lM9n'], ['--o0Jv3Cw_mPq8yTnUoXlA1KcB4dE5fG6hI7jK8lM9n']])(
    'a value that begins with - is one: a public key of 64 does (%s)',
    (publicKey) => {
      const options = {
        key: { type: 'string', dashed: PUBLIC_KEY },
        user: { type: 'string' },
        json: { type: 'boolean' },
      } as const
      const input = parseCommandLine(['--key', publicKey, '--json'], options)
      expect([input.text('key'), input.flag('json')]).toEqual([publicKey, true])
      expect(() => parseCommandLine(['--key', '--json'], options)).toThrow('--key needs a value')
      expect(() => parseCommandLine(['--key', '--json=true'], options)).toThrow('--key needs a value')
      for (const word of ['--jsno', '--Json', '--JSON=x', '--an_option', '--', '-x', '-K1', publicKey.slice(1)])
        if (word.startsWith('-'))
          expect(() => parseCommandLine(['--key', word], options)).toThrow('--key needs a value')
      // A mistyped option must not become another one's value.
      expect(() => parseCommandLine(['--user', publicKey], options)).toThrow('--user needs a value')
    },
  )

  test.each([
    'list --subjekt x',
    'lst',
    '--json list',
    'rotate jira tkt_Secret0123456789',
    'list --help',
    'help audit',
  ])('as a process, the command says and ends with the same: %s', async (line) => {
    const words = line.split(' ')
    expect(await command.run(words)).toEqual(await command.inProcess(words))
  })

  test('audit verify, where 2 means an incomplete log, ends with 3', async () => {
    const { code, error } = await command.inProcess(['audit', 'verify', '--ancors', 'x'])
    expect([code, error]).toEqual([3, expect.stringContaining('did you mean --anchors?')])
  })

  test.each([
    ['tkt_Secret0123456789'],
    ['rotate', 'jira', '--tkt_Secret0123456789'],
    ['rotate', 'jira', '--value=tkt_Secret0123456789'],
    ['rotate', 'jira', 'tkt_Secret0123456789'],
    ['audit', 'tkt_Secret0123456789'],
  ])('a secret in the wrong place is not repeated: %s %s %s', async (...words) => {
    const { code, error } = await command.inProcess(words)
    expect(code).toBe(2)
    expect(error).not.toContain('tkt_')
  })

  test('nothing at all shows the commands, and ends with 2', async () => {
    const { code, out, error } = await command.run([])
    expect([code, out, error]).toEqual([2, '', expect.stringContaining('audit verify')])
  })
})

describe('F16: help and version end with 0', () => {
  test.each([['--version'], ['-V'], ['version']])('%s prints the version of the package', async (...words) => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'))
    expect(await command.run(words)).toEqual({ code: 0, out: `${version}\n`, error: '' })
  })

  test.each([
    ...names.map((name) => `${name} --help`),
    ...names.map((name) => `${name} -h`),
    ...names.map((name) => `help ${name}`),
    'audit --help',
    'help audit',
    'help',
    '--help',
    'list --subjekt x --help',
  ])('%s', async (words) => {
    const { code, out, error } = await command.inProcess(words.split(' '))
    expect([code, error]).toEqual([0, ''])
    expect(out).toMatch(/^Usage: mcp-credential-vault /)
  })
})

test('every command has the name by which it is loaded', async () => {
  const loaded = await Promise.all([...commands.values()].map((load) => load()))
  expect(loaded.map(({ name }) => name)).toEqual(names)
})

describe('what scripts read', () => {
  test('list takes --subject and --issuer', async () => {
    await command.store('bob', { pat: 'tok-canary-2' })
    const subjects = async (...words: string[]) => {
      const { out } = await command.inProcess(['list', '--json', ...words])
      return JSON.parse(out).credentials.map(({ subject }: { subject: string }) => subject)
    }
    expect(await subjects()).toEqual(['alice', 'bob'])
    expect(await subjects('--subject', 'bob')).toEqual(['bob'])
    expect(await subjects('--issuer', ISSUER, '--subject', 'alice')).toEqual(['alice'])
    expect(await subjects('--issuer', 'https://other.example.com')).toEqual([])
  })
})

test('nearest: a third of the letters may differ, and nothing far is proposed', () => {
  const names = ['list', 'show', 'rotate', 'revoke', 'audit verify']
  expect(['lst', 'sohw', 'rotat', 'revok', 'rveoke', 'audit verfiy'].map((typed) => nearest(typed, names))).toEqual([
    'list',
    'show',
    'rotate',
    'revoke',
    'revoke',
    'audit verify',
  ])
  expect(['', 'x', 'delete', 'sw'].map((typed) => nearest(typed, names))).toEqual([...Array(4).fill(undefined)])
})
