import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { commands } from '../../src/cli/commands.ts'
import { type MainCommand, mainCommand, runHere } from '../harness/processes/cli-process.ts'

let command: MainCommand
let file: string

beforeAll(async () => {
  command = await mainCommand()
  await command.store('alice', { pat: 'tok-canary-1' })
  const { MCP_VAULT_FOLDER, MCP_VAULT_KEY_FILE } = command.environment
  const lines = [
    `MCP_VAULT_FOLDER="${MCP_VAULT_FOLDER}"`,
    `MCP_VAULT_KEY_FILE=${MCP_VAULT_KEY_FILE}`,
    `MCP_AUDIT_FOLDER=${join(command.root, 'audit')}`,
  ]
  file = command.file('server.env', `# The server's own.\n${lines.join('\n')}\n`)
}, 60_000)
afterAll(() => command.remove())

const withFile = (words: readonly string[], environment: NodeJS.ProcessEnv = {}) =>
  runHere([...words, '--environment', file], { HOME: command.root, ...environment })

test('operators give a command the variables of the server in a file', async () => {
  const listed = await withFile(['list', '--json'])
  expect([listed.code, listed.error]).toEqual([0, ''])
  expect(listed.out).toContain('"subject":"alice"')

  const examined = await withFile(['doctor'])
  expect([examined.code, examined.error]).toEqual([0, ''])
  expect(examined.out).toMatch(/^ok +the login opens a stored credential/m)

  const verified = await withFile(['audit', 'verify'])
  expect([verified.code, verified.error]).toEqual([0, ''])
})

test('a variable that is set already keeps its value', async () => {
  const MCP_VAULT_FOLDER = join(command.root, 'elsewhere')
  const { code, error } = await withFile(['list'], { MCP_VAULT_FOLDER })
  expect(code).toBe(1)
  expect(error).toContain(MCP_VAULT_FOLDER)
})

test('a mistyped variable in the file is named', async () => {
  const mistyped = command.file('mistyped.env', 'MCP_VAULT_FOLDR=./data\n')
  const { error } = await runHere(['list', '--environment', mistyped], { HOME: command.root, ...command.environment })
  expect(error).toContain('MCP_VAULT_FOLDR is not read. Did you mean MCP_VAULT_FOLDER?')
})

test.each([...commands])('%s takes --environment, and refuses a file that cannot be read', async (name, load) => {
  const { parameters, usageExitCode = 2 } = await load()
  const words = [...name.split(' '), ...parameters.map(() => 'x'), '--environment', 'nope.env']
  const { code, out, error } = await runHere(words, { HOME: command.root })
  expect([code, out]).toEqual([usageExitCode, ''])
  expect(error).toContain('--environment (nope.env) names a file that cannot be read')
})

test.each([...commands])('the help of %s lists --environment', async (name) => {
  const { code, out } = await runHere([...name.split(' '), '--help'], {})
  expect([code, out]).toEqual([0, expect.stringContaining('--environment FILE   adds')])
})
