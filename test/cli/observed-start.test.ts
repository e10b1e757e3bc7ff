import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../harness/free-port.ts'
import { type MainCommand, mainCommand } from '../harness/processes/cli-process.ts'
import { startProcess } from '../harness/processes/running-process.ts'
import { seriesValue } from '../harness/telemetry.ts'

let command: MainCommand
let tools: string

beforeAll(async () => {
  command = await mainCommand()
  tools = join(command.root, 'tools.mjs')
  writeFileSync(tools, "export default (server) => void server.registerTool('hello', {}, () => ({ content: [] }))")
}, 60_000)
afterAll(() => command.remove())

const HANDLE = 'Zm9ybS1saW5rLWhhbmRsZS1vZi1hLXN0cmFuZ2VyLTEyMzQ1'

test('the server that runs has a log in JSON, without queries, and metrics on a port of their own', async () => {
  const [port, metricsPort] = [await freePort(), await freePort()]
  const url = `http://localhost:${port}`
  const token = randomBytes(32).toString('hex')
  const server = await startProcess(
    process.execPath,
    [command.script, 'start', tools, '--port', String(port)],
    {
      ...command.environment,
      MCP_SERVER_BASE_URL: url,
      MCP_LOCAL_ACCESS_TOKEN: token,
      MCP_METRICS_PORT: String(metricsPort),
    },
    async () => (await fetch(`${url}/health`)).ok,
  )
  onTestFinished(() => server.stop())

  await fetch(`${url}/credentials/jira/entry?t=${HANDLE}`)
  await fetch(`${url}/${HANDLE}?alice=${HANDLE}`)
  const initialized = await fetch(`${url}/mcp?token=${HANDLE}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: HANDLE, version: '1' } },
    }),
  })
  await initialized.text()
  expect(initialized.status).toBe(200)

  const lines = () =>
    server
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line): Record<string, unknown> => JSON.parse(line))
  const requests = () => lines().filter(({ msg }) => msg === 'request')
  // `/health` succeeds at the level debug.
  await expect.poll(() => requests().length).toBe(3)
  expect(requests()).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        component: 'http',
        method: 'GET',
        route: '/credentials/{name}/entry',
        status: 400,
        address: '127.0.0.1',
        correlationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        durationMs: expect.any(Number),
      }),
      expect.objectContaining({ method: 'GET', route: 'other', status: 404 }),
      expect.objectContaining({ method: 'POST', route: '/mcp', status: 200 }),
    ]),
  )
  expect(lines()).toContainEqual(
    expect.objectContaining({ level: 30, component: 'server', msg: expect.stringContaining('Listening on') }),
  )
  expect(server.output()).not.toContain(HANDLE)
  expect(server.output()).not.toContain(token)

  const scraped = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  expect(seriesValue(scraped, 'mcp_server_operation_duration_count', { mcp_method_name: 'initialize' })).toBe(1)
  expect(seriesValue(scraped, 'credential_vault_breaker_open', { credential_vault_backend: 'sealed-file' })).toBe(0)
  expect(seriesValue(scraped, 'credential_vault_audit_queued')).toBe(0)
  expect(scraped).not.toContain(HANDLE)
  // The port of the users has no metrics.
  expect((await fetch(`${url}/metrics`)).status).toBe(404)
})
