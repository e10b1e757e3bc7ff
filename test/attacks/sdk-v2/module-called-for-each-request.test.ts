import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../harness/free-port.ts'
import { type MainCommand, mainCommand } from '../../harness/processes/cli-process.ts'
import { startProcess } from '../../harness/processes/running-process.ts'
import { connectClientV2 } from '../../harness/sdk-v2.ts'

let command: MainCommand
beforeAll(async () => {
  command = await mainCommand()
}, 60_000)
afterAll(() => command.remove())

// An operator who opens a pool or a timer in the module opens one for each request of MCP 2026-07-28, so the help has to say so.
test('a module for SDK 2.x is called at start and for each request of MCP 2026-07-28, as the help says', async () => {
  const port = await freePort()
  const url = `http://localhost:${port}`
  const token = randomBytes(32).toString('hex')
  const calls = join(command.root, 'calls')
  const tools = command.file(
    'counting.mjs',
    `import { appendFileSync } from 'node:fs'
    export const sdk = 'v2'
    export default (server) => {
      appendFileSync(${JSON.stringify(calls)}, 'x')
      server.registerTool('plain', {}, async () => ({ content: [{ type: 'text', text: 'ok' }] }))
    }`,
  )
  const server = await startProcess(
    process.execPath,
    [command.script, 'start', tools, '--port', String(port)],
    {
      ...command.environment,
      MCP_VAULT_FOLDER: join(command.root, token),
      MCP_SERVER_BASE_URL: url,
      MCP_LOCAL_ACCESS_TOKEN: token,
    },
    async () => (await fetch(`${url}/health`)).ok,
  )
  onTestFinished(() => server.stop())
  const { client, text } = await connectClientV2(`${url}/mcp`, token, {
    era: 'modern',
    onLink: () => 'accept' as const,
  })
  onTestFinished(() => client.close())
  const called = () => readFileSync(calls, 'utf8').length
  const before = called()
  expect(before).toBeGreaterThan(0)
  for (let request = 1; request <= 3; request += 1) {
    expect(await text('plain')).toEqual({ text: 'ok', isError: false })
    expect(called()).toBe(before + request)
  }
  const { out } = await command.run(['start', '--help'])
  expect(out.replaceAll(/\s+/g, ' ')).toContain(
    'for each request of MCP 2026-07-28 or with --stateless; it must be cheap',
  )
})
