import { afterAll, beforeAll, expect, test } from 'vitest'
import { ISSUER, type MainCommand, mainCommand } from '../harness/processes/cli-process.ts'

let command: MainCommand

beforeAll(async () => {
  command = await mainCommand()
}, 60_000)
afterAll(() => command.remove())

const WARNING = 'signed with a temporary key'
const ALICE = `jira --issuer ${ISSUER} --subject alice`
// A backend without a key of its own, and no MCP_AUDIT_KEY_FILE.
const MEMORY = 'unset MCP_VAULT_KEY_FILE; export MCP_VAULT_BACKEND=memory MCP_AUDIT_FOLDER=./log;'

test.each([
  [`echo | $MCV rotate ${ALICE}`, 2],
  ['$MCV audit key', 1],
  ['$MCV audit verify', 4],
  ['$MCV keygen', 0],
])('a command that signs nothing does not warn of the signing key: %s', async (line, expected) => {
  const { code, error } = await command.shell(`${MEMORY} ${line}`)
  expect(code).toBe(expected)
  expect(error).not.toContain(WARNING)
})

// A read that found nothing has its line, too.
test.each([
  ['$MCV list', 0],
  [`echo value | $MCV rotate ${ALICE}`, 3],
])('one that signs a line with a key of its own does: %s', async (line, expected) => {
  const { code, error } = await command.shell(`${MEMORY} ${line}`)
  expect([code, error]).toEqual([expected, expect.stringContaining(WARNING)])
})

test('a wrong audit key is an error before anything is done', async () => {
  const { code, error } = await command.shell(`${MEMORY} echo value | MCP_AUDIT_KEY=none $MCV rotate ${ALICE}`)
  expect([code, error]).toEqual([1, expect.stringContaining('[key_malformed]')])
})
