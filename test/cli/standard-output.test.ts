import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type MainCommand, mainCommand } from '../harness/processes/cli-process.ts'

let command: MainCommand

beforeAll(async () => {
  command = await mainCommand()
  for (let i = 0; i < 40; i += 1) await command.store(`user-${i}`, { pat: 'tok-canary-1' })
}, 60_000)
afterAll(() => command.remove())

const STACK = /^ {4}at |node:internal|triggerUncaught/m

describe('a full standard output ends without a stack', () => {
  test.each([
    'list',
    'list --json',
    'doctor',
    'keygen --json',
    '--help',
    '--version',
    'audit show',
    'audit export --format csv',
  ])('%s', async (words) => {
    const { code, error } = await command.shell(`$MCV ${words} > /dev/full`)
    expect([code, error]).toEqual([1, 'mcp-credential-vault: standard output cannot be written (ENOSPC).\n'])
  })

  test('standard error that is full ends nothing', async () => {
    const { code, out } = await command.shell('$MCV lst 2> /dev/full; echo "ended with $?"')
    expect([code, out]).toEqual([0, 'ended with 2\n'])
  })
})

describe('a reader that has seen enough ends the command without a word', () => {
  test.each(['list', 'list --json', 'audit show', 'audit export', 'doctor'])('%s | head -1', async (words) => {
    const { out, error } = await command.shell(`$MCV ${words} | head -1`)
    expect(out.trimEnd().split('\n')).toHaveLength(1)
    expect(error).not.toMatch(STACK)
    expect(error).toBe('')
  })

  test('with a reader that is gone before the first line, the audit log is closed all the same', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'reader-'))
    // It waits until its reader is gone.
    writeFileSync(join(folder, 'gone'), '')
    const { error } = await command.shell(
      `(while [ -e ${folder}/gone ]; do :; done; $MCV list) | (exec 0<&-; rm ${folder}/gone)`,
    )
    expect(error).toBe('')
    rmSync(folder, { recursive: true })
    const { out } = await command.run(['audit', 'verify'])
    expect(out).toContain('completeness: complete')
  })
})
