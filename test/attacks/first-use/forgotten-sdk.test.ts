import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../harness/free-port.ts'
import { mainCommand } from '../../harness/processes/cli-process.ts'
import { compiled } from '../../harness/processes/compile-module.ts'

const TOOLS = compiled(join(import.meta.dirname, '../../harness/processes/tools-sdk-v2.ts'))

test("start names the missing sdk = 'v2' of a module that has the gate of SDK 2.x", async () => {
  const command = await mainCommand()
  onTestFinished(() => command.remove())
  const module = command.file('forgotten.mjs', `export { default } from '${pathToFileURL(TOOLS).href}'\n`)
  const variables = {
    MCP_SERVER_BASE_URL: `http://localhost:${await freePort()}`,
    MCP_LOCAL_ACCESS_TOKEN: randomBytes(32).toString('hex'),
  }
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`)
  const { code, error } = await command.run(['start', module, '--environment', command.file('env', lines.join(''))])
  expect(code).toBe(1)
  expect(error).toContain("sdk = 'v2'")
})
