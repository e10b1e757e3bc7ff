import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rotate } from '../../src/cli/credentials/rotate.ts'
import { runCommand } from '../../src/cli/terminal/command.ts'
import { Cancelled } from '../../src/cli/terminal/command-line.ts'
import { readSecret } from '../../src/cli/terminal/read-secret.ts'
import { ISSUER, type MainCommand, mainCommand } from '../harness/processes/cli-process.ts'

let command: MainCommand

beforeAll(async () => {
  command = await mainCommand()
  await command.store('alice', { pat: 'tok-canary-1' })
}, 60_000)
afterAll(() => command.remove())

/** A terminal as far as the prompt needs one. */
function terminalInput(): NodeJS.ReadStream {
  return Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined }) as unknown as NodeJS.ReadStream
}

test.each([
  ['Ctrl+C', '\u0003'],
  ['Ctrl+D', '\u0004'],
])('%s at the prompt changes nothing, says so and ends with 130', async (_, key) => {
  const printed = { out: '', error: '' }
  const input = terminalInput()
  const code = await runCommand(rotate, ['jira', '--issuer', ISSUER, '--subject', 'alice'], {
    out: (text) => {
      printed.out += text
    },
    error: (text) => {
      printed.error += text
    },
    environment: command.environment,
    readSecret(prompt, options) {
      const read = readSecret(prompt, options, input)
      input.push(key)
      return read
    },
  })
  expect([code, printed]).toEqual([
    130,
    { out: '', error: 'mcp-credential-vault rotate: cancelled. Nothing was changed.\n' },
  ])
  expect(await command.stored('alice')).toEqual({ pat: 'tok-canary-1' })
})

test('what was typed before Ctrl+C is no value either', async () => {
  const input = terminalInput()
  const read = readSecret('', {}, input)
  input.push('half\u0003')
  await expect(read).rejects.toBeInstanceOf(Cancelled)
})

test('a whole line is the value', async () => {
  const input = terminalInput()
  const read = readSecret('', {}, input)
  input.push('whole\r')
  expect(await read).toBe('whole')
})
