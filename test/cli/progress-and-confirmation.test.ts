import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { revoke } from '../../src/cli/credentials/revoke.ts'
import { forEachOf } from '../../src/cli/operator/batch.ts'
import { runCommand, type Terminal } from '../../src/cli/terminal/command.ts'
import { bar, progressOn } from '../../src/cli/terminal/progress.ts'
import { ask } from '../../src/cli/terminal/read-secret.ts'
import { CredentialVaultError } from '../../src/core/model/errors.ts'
import { type MainCommand, mainCommand } from '../harness/processes/cli-process.ts'

let command: MainCommand
beforeAll(async () => {
  command = await mainCommand()
  for (const subject of ['alice', 'bob']) await command.store(subject, { pat: 'tok-canary-1' })
}, 60_000)
afterAll(() => command.remove())

function terminalInput(): NodeJS.ReadStream {
  return Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined }) as unknown as NodeJS.ReadStream
}

/** Runs `revoke --all` where somebody types this. */
async function revokeAll(typed: string, change: Partial<Terminal> = {}) {
  const printed = { out: '', error: '', progress: [] as string[] }
  const input = terminalInput()
  const code = await runCommand(revoke, ['--all', '--provider', 'jira'], {
    out: (text) => {
      printed.out += text
    },
    error: (text) => {
      printed.error += text
    },
    environment: command.environment,
    readSecret: async () => '',
    ask(question) {
      const answer = ask(question, input)
      input.push(typed)
      return answer
    },
    progress: (line) => printed.progress.push(line),
    ...change,
  })
  return { code, ...printed }
}

test.each([
  ['another word', 'yes\r'],
  ['nothing', '\r'],
  ['Ctrl+C', '\u0003'],
])('revoke --all changes nothing after %s', async (_, typed) => {
  const { code, error } = await revokeAll(typed)
  expect([code, error]).toEqual([130, 'mcp-credential-vault revoke: cancelled. Nothing was changed.\n'])
  expect(await command.stored('alice')).toEqual({ pat: 'tok-canary-1' })
})

test("revoke --all goes on after the provider's name, and shows its progress", async () => {
  const { code, out, progress } = await revokeAll('jira\r')
  expect([code, out]).toEqual([0, expect.stringContaining('2 credentials of jira revoked.')])
  expect(progress).toEqual([bar('revoke', 1, 2), bar('revoke', 2, 2), ''])
})

test.each([
  [['--all'], '--provider is required'],
  [['--all', '--provider', 'jira', '--subject', 'x'], '"offboard" revokes all credentials of one owner'],
  [['--all', '--provider', 'tok-Canary'], '--provider is not the name of a provider'],
  [['jira', '--all', '--provider', 'jira'], 'it takes no parameters'],
  [['jira', '--issuer', 'i', '--subject', 's', '--yes'], '--yes belongs to --all'],
  [['jira', '--issuer', 'i', '--subject', 's', '--dry-run'], '--dry-run belongs to --all'],
])('revoke %j is wrong usage', async (words, problem) => {
  const { code, error } = await command.inProcess(['revoke', ...words])
  expect([code, error]).toEqual([2, expect.stringContaining(problem)])
  expect(error).not.toContain('tok-Canary')
})

test('the bar stays in one line of the terminal', () => {
  const written: string[] = []
  const progress = progressOn({ columns: 20, write: (text: string) => written.push(text) > 0 })
  progress(bar('revoke', 3, 6))
  progress('')
  expect(bar('revoke', 3, 6)).toBe('revoke [############            ] 3/6')
  expect(written.join('')).toBe(`\rrevoke [###########\u001B[K\r\u001B[K`)
})

test('a failure of one item does not keep the others from being done, in their order', async () => {
  const done: number[] = []
  const outcomes = await forEachOf({ progress: undefined }, 'try', [1, 2, 3, 4, 5, 6], async (item) => {
    if (item === 2) throw new CredentialVaultError('unavailable', 'away')
    done.push(item)
    return item
  })
  expect(done.sort()).toEqual([1, 3, 4, 5, 6])
  expect(outcomes).toMatchObject(
    [1, 0, 3, 4, 5, 6].map((n) => (n === 0 ? { error: { code: 'unavailable' } } : { result: n })),
  )
  await expect(forEachOf({ progress: undefined }, 'try', [1], () => Promise.reject(new Error('bug')))).rejects.toThrow(
    'bug',
  )
})
