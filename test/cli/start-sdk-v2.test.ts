import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../harness/free-port.ts'
import { type MainCommand, mainCommand } from '../harness/processes/cli-process.ts'
import { compiled } from '../harness/processes/compile-module.ts'
import { startProcess } from '../harness/processes/running-process.ts'
import { fillInLocally } from '../harness/processes/stdio-example.ts'
import { connectClientV2 } from '../harness/sdk-v2.ts'

const TOOLS = compiled(join(import.meta.dirname, '../harness/processes/tools-sdk-v2.ts'))

let command: MainCommand

beforeAll(async () => {
  command = await mainCommand()
}, 60_000)
afterAll(() => command.remove())

async function serve(...options: readonly string[]) {
  const port = await freePort()
  const url = `http://localhost:${port}`
  const token = randomBytes(32).toString('hex')
  const MCP_VAULT_FOLDER = join(command.root, token)
  const server = await startProcess(
    process.execPath,
    [command.script, 'start', TOOLS, '--port', String(port), ...options],
    { ...command.environment, MCP_VAULT_FOLDER, MCP_SERVER_BASE_URL: url, MCP_LOCAL_ACCESS_TOKEN: token },
    async () => (await fetch(`${url}/health`)).ok,
  )
  onTestFinished(() => server.stop())
  return { url, token }
}

test.each(['modern', 'legacy', 'auto'] as const)(
  'start serves a module for SDK 2.x to a client that negotiates its era: %s',
  async (era) => {
    const { url, token } = await serve()
    const asked: string[] = []
    const { client, text } = await connectClientV2(`${url}/mcp`, token, {
      era,
      async onLink(link) {
        asked.push(link)
        await fillInLocally(link, 'five5')
        return 'accept' as const
      },
    })
    onTestFinished(() => client.close())
    expect(await text('length')).toEqual({ text: '5', isError: false })
    expect(asked).toHaveLength(1)
  },
)

test('start --stateless gives a client of MCP 2025-11-25 the link with -32042', async () => {
  const { url, token } = await serve('--stateless')
  const { client } = await connectClientV2(`${url}/mcp`, token, { era: 'legacy', onLink: () => 'accept' as const })
  onTestFinished(() => client.close())
  await expect(client.callTool({ name: 'length', arguments: {} })).rejects.toMatchObject({ code: -32042 })
})

test.each([
  ['an sdk that does not exist', 'export const sdk = 2\nexport default () => {}', "neither 'v1'"],
  ['an sdk and no default export', "export const sdk = 'v2'", 'no default export'],
])('start refuses a module with %s', async (name, text, problem) => {
  const { code, error } = await command.run(['start', command.file(`${name.length}.mjs`, text)])
  expect(code).toBe(1)
  expect(error).toContain(problem)
})

test('a module for SDK 2.x tells other commands its providers', async () => {
  await command.store('alice', { pat: 'five5' })
  const { code, out } = await command.run(['orphans', '--tools', TOOLS])
  expect({ code, out }).toMatchObject({ code: 0, out: expect.not.stringContaining('alice') })
})
