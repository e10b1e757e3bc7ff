import { once } from 'node:events'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { expect, onTestFinished, test } from 'vitest'
import { openMetrics } from '../../../src/server/metrics-endpoint.ts'
import { openObservation } from '../../../src/server/observation.ts'
import { freePort } from '../../harness/free-port.ts'

const QUIET = { MCP_LOG_LEVEL: 'error' }

test('without MCP_METRICS_PORT there is no port and no SDK', async () => {
  const observation = await openObservation(QUIET)
  onTestFinished(() => observation.close())
  expect(observation.telemetry).toBeUndefined()
})

test('by default nobody outside of this machine reaches the metrics', async () => {
  const port = await freePort()
  const observation = await openObservation({ ...QUIET, MCP_METRICS_PORT: String(port) })
  onTestFinished(() => observation.close())
  expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(200)
  const addresses = Object.values(networkInterfaces()).flatMap((all = []) => all)
  const outside = addresses.filter(({ internal, family }) => !internal && family === 'IPv4')
  // 127.0.0.2 is this machine too, and shows that the port is bound to one address even where there is no network.
  for (const address of ['127.0.0.2', ...outside.map((one) => one.address)]) {
    const socket = connect(port, address)
    const [ended] = await Promise.race([once(socket, 'connect').then(() => ['open']), once(socket, 'error')]).catch(
      (error: unknown) => [error],
    )
    socket.destroy()
    expect(ended, address).toMatchObject({ code: 'ECONNREFUSED' })
  }
})

test('the port answers GET /metrics and nothing else', async () => {
  const metrics = await openMetrics(0, '127.0.0.1')
  onTestFinished(() => metrics.close())
  const status = async (path: string, init?: RequestInit) => (await fetch(new URL(path, metrics.url), init)).status
  expect(await status('/metrics')).toBe(200)
  expect(await status('/metrics', { method: 'POST', body: 'x' })).toBe(405)
  for (const path of ['/', '/metrics/', '/health', '/mcp', '/credentials', '/%2e%2e/metrics/x']) {
    expect(await status(path), path).toBe(404)
  }
})

test.each([
  ['MCP_METRICS_PORT', '70000'],
  ['MCP_METRICS_PORT', 'nine'],
  ['MCP_METRICS_HOST', 'not a host'],
  ['MCP_LOG_LEVEL', 'loud'],
  ['MCP_LOG_FORMAT', 'xml'],
])('%s=%s is refused, by its name and without its value', async (name, value) => {
  const error = await openObservation({ ...QUIET, [name]: value }).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({
    code: 'configuration_invalid',
    message: expect.stringContaining(`environment.${name}`),
  })
  expect(String(error)).not.toContain(value)
})

test('a port that is taken is named with its variable', async () => {
  const first = await openMetrics(0, '127.0.0.1')
  onTestFinished(() => first.close())
  const { port } = new URL(first.url)
  await expect(openMetrics(Number(port), '127.0.0.1')).rejects.toMatchObject({
    code: 'configuration_invalid',
    reason: 'port',
    message: expect.stringContaining('MCP_METRICS_PORT'),
  })
})
