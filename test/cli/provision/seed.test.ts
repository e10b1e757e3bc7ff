import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ISSUER, type MainCommand, mainCommand } from '../../harness/processes/cli-process.ts'

const SECRET = 'tok-canary-77f1c09a2e'

let command: MainCommand
beforeAll(async () => {
  command = await mainCommand()
  await command.store('alice', { pat: SECRET })
}, 60_000)
afterAll(() => command.remove())

const row = (subject: string, fields: object = { pat: `${SECRET}-${subject}` }, provider = 'jira') =>
  JSON.stringify({ provider, issuer: ISSUER, subject, fields })

/** Runs the command, whose output never has a value. */
async function run(words: readonly string[], input?: string) {
  const done = await command.run(words, input)
  expect(done.out + done.error).not.toContain('tok-canary')
  return done
}

const file = (...given: Parameters<MainCommand['file']>) => command.file(...given)

const auditLines = () => {
  const folder = join(command.environment.MCP_VAULT_FOLDER, 'audit')
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('')
}

describe('JSON lines', () => {
  test('--dry-run says what would be written, and writes nothing', async () => {
    const { code, out } = await run(['seed', '--dry-run'], `${row('alice')}\n${row('bob')}\n`)
    expect(code).toBe(0)
    expect(out).toMatch(/^line 1 of standard input +jira +\S+ +alice +kept$/m)
    expect(out).toMatch(/^line 2 of standard input +jira +\S+ +bob +would be stored$/m)
    expect(await command.stored('bob').catch(() => 'absent')).toBe('absent')
  })

  test('what is active is kept, unless --replace is given; both are audited', async () => {
    const first = await run(['seed', '--json'], `${row('alice')}\n${row('bob')}\n\n`)
    expect(JSON.parse(first.out)).toMatchObject({ stored: 1, replaced: 0, kept: 1, failed: 0 })
    expect(await command.stored('alice')).toEqual({ pat: SECRET })
    expect(await command.stored('bob')).toEqual({ pat: `${SECRET}-bob` })
    const second = await run(['seed', '--replace'], row('alice'))
    expect([second.code, second.out]).toEqual([0, expect.stringContaining('0 stored, 1 replaced, 0 kept, 0 failed.')])
    expect(await command.stored('alice')).toEqual({ pat: `${SECRET}-alice` })
    expect(auditLines().match(/"type":"credential.stored"/g)).toHaveLength(2)
    expect(auditLines()).not.toContain('tok-canary')
  })

  test.each([
    ['not JSON', `pat=${SECRET}`, 'is not a JSON object'],
    ['an unknown key', row('x').replace('"fields"', '"feilds"'), 'has keys other than'],
    ['a number', row('x', { pat: 12 }), 'has a field whose value is not text'],
    ['no fields', row('x', {}), 'has no value in any field'],
    [
      'a provider that cannot be one',
      row('x', { pat: SECRET }, SECRET.toUpperCase()),
      'has no provider, or one that cannot',
    ],
    ['no subject', row(''), 'has an issuer or a subject that is empty'],
    [
      'an issuer that is no URL',
      row('x').replace(ISSUER, 'login.example.com'),
      'has an issuer that no access token can name',
    ],
    [
      'two lines in a value',
      row('x', { pat: `${SECRET}\n${SECRET}` }),
      'has a field, number 1 of those with a value, whose value contains control characters',
    ],
    ['a field with a secret name', row('x', { [`${SECRET} `]: 'x' }), 'has a field whose name no field can have'],
    ['the same owner twice', row('bob'), 'is for the same provider and owner as line 1 of standard input'],
  ])('with %s nothing is written, and the row is named', async (_, bad, problem) => {
    const { code, out, error } = await run(['seed'], `${row('bob')}\n${row('never')}\n${bad}\n`)
    expect([code, out]).toEqual([2, ''])
    expect(error).toContain('nothing was written, because of 1 bad row:\n  line 3 of standard input ')
    expect(error).toContain(problem)
    expect(await command.stored('never').catch(() => 'absent')).toBe('absent')
  })

  test('several lines in a value need --type', async () => {
    const { code } = await run(['seed', '--type', 'key=textarea'], row('multi', { key: 'a\nb\n' }))
    expect(code).toBe(0)
    expect(await command.stored('multi')).toEqual({ key: 'a\nb\n' })
    const declared = await run(['seed', '--type', 'key=string'], row('multi', { key: 'a\nb' }))
    expect(declared.error).toContain('has a field key whose value contains control characters')
    const wrong = await run(['seed', '--type', 'key=text'], row('multi'))
    expect([wrong.code, wrong.error]).toEqual([
      2,
      expect.stringContaining('TYPE is one of string, password, url, textarea'),
    ])
  })

  test('--tools checks fields as the form does', async () => {
    const tools = file(
      'tools.mjs',
      `import { CredentialsProvider } from ${JSON.stringify(join(process.cwd(), 'dist/index.js'))}
      export default (server, vault) => {
        new CredentialsProvider({ vault, name: 'jira', variables: {
          pat: { label: 'Token', type: 'password', pattern: /tok-.*/ }, site: { label: 'Site', type: 'url' } } })
      }`,
    )
    const site = 'https://Jira.example.com:443'
    const bad = [
      row('t1', { pat: SECRET }),
      row('t2', { pat: 'x', site }),
      row('t3', { pat: SECRET, site, extra: 'x' }),
    ]
    const refused = await run(['seed', '--tools', tools], [...bad, row('t4', { a: 'b' }, 'gitlab')].join('\n'))
    expect(refused.code).toBe(2)
    expect(refused.error).toContain('line 1 of standard input has a field site whose value is empty or blank')
    expect(refused.error).toContain(
      'line 2 of standard input has a field pat whose value is one that the form refuses (pattern)',
    )
    expect(refused.error).toContain(
      'line 3 of standard input has a field that the provider does not have; it has pat, site',
    )
    expect(refused.error).toContain(
      'line 4 of standard input has a provider that the module of --tools does not declare',
    )
    expect((await run(['seed', '--tools', tools], row('t5', { pat: SECRET, site }))).code).toBe(0)
    expect(await command.stored('t5')).toEqual({ pat: SECRET, site: 'https://jira.example.com' })
  })
})

describe('CSV', () => {
  const head = 'provider,issuer,subject,pat,note\r\n'
  const line = (subject: string, more = `${SECRET},`) => `jira,${ISSUER},${subject},${more}\r\n`

  test('has a column for each field, quoted cells, and empty cells for what is left out', async () => {
    const csv = file('users.csv', `\uFEFF${head}${line('c1')}${line('"c,2"', '"a ""quoted"" one",x')}`)
    const { code, out } = await run(['seed', '--csv', csv])
    expect([code, out]).toEqual([0, expect.stringContaining('2 stored')])
    expect(await command.stored('c1')).toEqual({ pat: SECRET })
    expect(await command.stored('c,2')).toEqual({ pat: 'a "quoted" one', note: 'x' })
    const ids = file('ids.csv', head + ['12e4567', '00e1', '1234567890', '1.5'].map((id) => line(id)).join(''))
    expect((await run(['seed', '--csv', ids, '--dry-run'])).out).toContain('4 would be stored')
  })

  test.each([
    ['semicolons', head.replaceAll(',', ';'), 'has semicolons between its columns'],
    ['no first line', line('x'), 'the first line lacks the column provider, issuer, subject'],
    ['a column twice', `provider,issuer,subject,pat,pat\n${line('x')}`, 'column 5 has the name of an earlier one'],
    ['a column that is a value', `provider,issuer,subject,${SECRET}\n`, 'column 4 has no name that a field can have'],
    ['an open quote', `${head}${line('y')}jira,"${ISSUER},x,${SECRET}`, 'line 3 has a quote that is not closed'],
    ['a short row', `${head}jira,${ISSUER},x\n`, 'has 3 cells, and the first line has 5'],
    ['no row', head, 'has no row below its first line'],
    [
      'a formula as subject',
      head + line(`"=HYPERLINK(""https://evil.example.com"")"`),
      'takes for a formula as its subject',
    ],
    [
      'blanks around a subject',
      head + line(' tok-canary '),
      'has text with blanks around it as its subject in column 3',
    ],
    [
      'a blank before an issuer',
      `${head}jira, ${ISSUER},x,${SECRET},\n`,
      'has text with blanks around it as its issuer in column 2',
    ],
    [
      'a rounded number',
      head + line('1.12345E+20'),
      'has a number that a spreadsheet has rounded as its subject in column 3',
    ],
    ['a rounded number with a comma', head + line('"1,12E20"'), 'a spreadsheet has rounded as its subject in column 3'],
    ['a rounded number of a program', head + line('1e+21'), 'a spreadsheet has rounded as its subject in column 3'],
    ['the error of a formula', head + line('x', '#NAME?,'), 'has the error value of a spreadsheet in column 4'],
    [
      'a control character',
      head + line('a\u001B[2Jb'),
      'has an issuer or a subject that is empty, too long or not plain text',
    ],
  ])('with %s nothing is written', async (_, text, problem) => {
    const csv = file('bad.csv', text)
    const { code, out, error } = await run(['seed', '--csv', csv])
    expect([code, out]).toEqual([2, ''])
    expect(error).toContain(csv)
    expect(error).toContain(problem)
    expect(error).not.toContain('\u001B')
  })

  test('a file that other users may read is refused, as a key file is', async () => {
    const csv = file('open.csv', head + line('open'), 0o644)
    const { code, error } = await run(['seed', '--csv', csv])
    expect([code, error]).toEqual([2, expect.stringContaining(`may be read by other users. Run: chmod 600 ${csv}`)])
    expect(await command.stored('open').catch(() => 'absent')).toBe('absent')
  })

  test.each([
    ['a file that is not there', 'nowhere.csv', '--csv (nowhere.csv) names a file that cannot be read'],
    ['a folder', '.', 'is not a file'],
  ])('%s is named by its option', async (_, path, problem) => {
    const { code, error } = await run(['seed', '--csv', path])
    expect([code, error]).toEqual([2, expect.stringContaining(problem)])
  })

  test('text in another encoding is refused', async () => {
    const csv = file('latin.csv', '')
    writeFileSync(csv, Buffer.from(head + line('M\u00FCller'), 'latin1'))
    expect((await run(['seed', '--csv', csv])).error).toContain('is not UTF-8 text')
  })
})
