import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../harness/free-port.ts'
import { type MainCommand, mainCommand } from '../harness/processes/cli-process.ts'

let command: MainCommand

beforeAll(async () => {
  command = await mainCommand()
  writeFileSync(join(command.root, 'tools.mjs'), 'export default () => undefined')
  writeFileSync(join(command.root, 'boom.mjs'), 'export default () => { throw new Error("boom") }')
  writeFileSync(join(command.root, 'typo.mjs'), 'export default async (server) => void credentialGte(server)')
  writeFileSync(join(command.root, 'text.mjs'), 'export default () => { throw "no error" }')
}, 60_000)
afterAll(() => command.remove())

const LOCAL = `MCP_LOCAL_ACCESS_TOKEN=${'t'.repeat(32)}`

async function usedPort(): Promise<number> {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void other.close())
  return (other.address() as AddressInfo).port
}

describe('a start that fails closes its audit log', () => {
  test.each([
    { module: 'tools.mjs', cause: 'a used port', portOf: usedPort },
    { module: 'boom.mjs', cause: 'a module that throws', portOf: freePort },
  ])('$cause', async ({ module, portOf }) => {
    const port = await portOf()
    const start = `MCP_SERVER_BASE_URL=http://localhost:${port} ${LOCAL} $MCV start ${module} --port ${port}`
    const folder = `MCP_VAULT_FOLDER=./data-${port}`
    const { code, out } = await command.shell(`${folder} ${start}; echo "ended with $?"; ${folder} $MCV audit verify`)
    expect([code, out]).toEqual([0, expect.stringContaining('completeness: complete')])
    expect(out).toContain('ended with 1')
  })
})

test('a signal while it starts ends it in order', async () => {
  writeFileSync(join(command.root, 'stopped.mjs'), 'export default () => void process.kill(process.pid, "SIGTERM")')
  const start = `MCP_SERVER_BASE_URL=http://localhost:8005 ${LOCAL} $MCV start stopped.mjs --port 0`
  const { out } = await command.shell(
    `export MCP_VAULT_FOLDER=./data-stopped; ${start}; echo "ended with $?"; $MCV audit verify`,
  )
  expect(out).toContain('ended with 0')
  expect(out).toContain('completeness: complete')
})

describe("an error of the operator's own module is shown with its place", () => {
  test.each([
    ['boom.mjs', 'Error: boom', /boom\.mjs:1:\d+/],
    ['typo.mjs', 'ReferenceError: credentialGte is not defined', /typo\.mjs:1:\d+/],
    ['text.mjs', 'It threw something that is not an Error', /text\.mjs/],
  ])('%s', async (module, problem, place) => {
    const { code, error } = await command.shell(
      `MCP_SERVER_BASE_URL=http://localhost:8005 ${LOCAL} $MCV start ${module} --port 0`,
    )
    expect([code, error]).toEqual([1, expect.stringContaining(problem)])
    expect(error).toMatch(place)
    expect(error).not.toContain('[unexpected]')
  })
})

test('a missing --environment file is wrong usage, in our words', async () => {
  const { code, error } = await command.run(['start', 'tools.mjs', '--environment', 'nope.env'])
  expect([code, error]).toEqual([
    2,
    expect.stringContaining('--environment (nope.env) names a file that cannot be read'),
  ])
})

test('without MODULE, start says what is missing', async () => {
  const { code, error } = await command.run(['start'])
  expect([code, error]).toEqual([2, expect.stringContaining('MODULE is missing')])
})
