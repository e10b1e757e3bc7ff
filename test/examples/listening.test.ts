import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../harness/free-port.ts'
import { folderWithKey, nodeParameters } from '../harness/processes/example-process.ts'
import { startProcess } from '../harness/processes/running-process.ts'

const SERVERS = [
  'koa/server.ts',
  'express-existing/after.ts',
  'express-existing/before.ts',
  'two-providers/server.ts',
  'from-field/server.ts',
  'getting-started.ts',
  'from-mcp-authkit.ts',
]

/** As behind a proxy with TLS: the address that everybody knows has no port, and the identity provider does not answer. */
function environmentIn(folder: string, port: number): NodeJS.ProcessEnv {
  mkdirSync(join(folder, 'data'), { mode: 0o700 })
  writeFileSync(join(folder, 'confluence.md'), 'Open **Profile → Tokens**.\n')
  const [base, issuer, service] = ['https://mcp.example.com', 'http://127.0.0.1:9', 'https://service.example.com']
  return {
    PATH: process.env['PATH'],
    ...{ BASE_URL: base, SERVER_URL: base, ISSUER: issuer, ISSUER_URL: issuer },
    ...{ TICKETS_URL: service, WIKI_URL: service, SERVICE_ORIGIN: service },
    MCP_VAULT_KEY_FILE: join(folder, 'vault.key'),
    PORT: String(port),
  }
}

test.each(SERVERS)('%s listens on PORT, whatever the port of its address, and says so', async (example) => {
  const folder = folderWithKey()
  const port = await freePort()
  const answers = async () => (await fetch(`http://127.0.0.1:${port}/`)).status > 0
  const environment = environmentIn(folder, port)
  const server = await startProcess(process.execPath, await nodeParameters(example, folder), environment, answers)
  onTestFinished(() => server.stop())
  expect(server.output()).toContain(`Serving https://mcp.example.com/mcp on port ${port}\n`)
})

test.each(SERVERS)('%s says in one line that its port is taken, ends with 1, and closes its log', async (example) => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void other.close())
  const { port } = other.address() as AddressInfo
  const folder = folderWithKey()
  const env = environmentIn(folder, port)
  const child = spawn(process.execPath, await nodeParameters(example, folder), { env })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  expect(await once(child, 'close'), output).toEqual([1, null])
  const lines = output.split('\n').filter((line) => line.includes(String(port)))
  expect(lines).toEqual([expect.stringMatching(/^listen EADDRINUSE.*\. Set PORT to a free port\.$/)])
  expect(output).not.toMatch(/^ +at /m)
  if (example.endsWith('before.ts')) return
  const [log = '', ...more] = readdirSync(join(folder, 'data/audit'))
  expect(more).toEqual([])
  expect(
    readFileSync(join(folder, 'data/audit', log), 'utf8')
      .trim()
      .split('\n')
      .at(-1),
  ).toContain('"audit.closed"')
})
