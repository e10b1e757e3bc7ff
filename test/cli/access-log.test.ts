import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../harness/free-port.ts'
import { connectClient } from '../harness/mcp-harness.ts'
import { type MainCommand, mainCommand } from '../harness/processes/cli-process.ts'
import { compiled } from '../harness/processes/compile-module.ts'
import { startProcess } from '../harness/processes/running-process.ts'

const TOOLS = compiled(join(import.meta.dirname, '../harness/processes/shutdown-tools.ts'))

let command: MainCommand
beforeAll(async () => {
  command = await mainCommand()
}, 60_000)
afterAll(() => command.remove())

const linesIn = (text: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): Record<string, unknown> => JSON.parse(line))

test.each(['sessionful', 'stateless'] as const)(
  'an access line of /mcp leads to the audit lines of its call, and to those alone (%s)',
  async (mode) => {
    const port = await freePort()
    const url = `http://localhost:${port}`
    const token = randomBytes(32).toString('hex')
    const folder = join(command.root, `audit-${port}`)
    const server = await startProcess(
      process.execPath,
      [command.script, 'start', TOOLS, '--port', String(port), ...(mode === 'stateless' ? ['--stateless'] : [])],
      {
        ...command.environment,
        MCP_SERVER_BASE_URL: url,
        MCP_LOCAL_ACCESS_TOKEN: token,
        MCP_AUDIT_FOLDER: folder,
      },
      async () => (await fetch(`${url}/healthz`)).ok,
    )
    onTestFinished(() => server.stop())
    const requests = () =>
      linesIn(server.output()).filter(
        ({ msg, route, method }) => msg === 'request' && route === '/mcp' && method === 'POST',
      )
    const audited = () =>
      readdirSync(folder)
        .filter((name) => name.endsWith('.jsonl'))
        .flatMap((name) => linesIn(readFileSync(join(folder, name), 'utf8')))

    const refused = await fetch(`${url}/mcp`, { method: 'POST', headers: { authorization: 'Bearer wrong' } })
    expect(refused.status).toBe(401)
    const { client } = await connectClient(`${url}/mcp`, token, {})
    onTestFinished(() => client.close())
    await client.listTools()
    const call = () => client.callTool({ name: 'read_secret' }).catch(() => undefined)
    await call()
    await call()

    await expect.poll(() => requests().filter(({ correlationId }) => correlationId !== undefined).length).toBe(3)
    // initialize, the notification after it, and tools/list pass no gate.
    expect(requests().length).toBeGreaterThan(5)
    const [first, ...calls] = requests().flatMap(({ correlationId }) => correlationId ?? [])
    const typesOf = (id: unknown) =>
      audited().flatMap(({ correlationId, type }) => (correlationId === id ? [type] : []))
    expect(typesOf(first)).toEqual(['token.rejected'])
    expect(new Set(calls).size).toBe(2)
    for (const id of calls) expect(typesOf(id)).toContain('credential.requested')
    expect(server.output()).not.toContain(token)
    expect(JSON.stringify(requests())).not.toMatch(/subject|local-user|wrong/)
  },
)
