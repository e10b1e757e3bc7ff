import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ProxyHarness, startProxyHarness, TOKENS } from '../harness/proxy/proxy-harness.ts'
import { seriesValue, type TestTelemetry, testTelemetry } from '../harness/telemetry.ts'

let telemetry: TestTelemetry
let proxy: ProxyHarness

beforeAll(async () => {
  telemetry = testTelemetry()
  proxy = await startProxyHarness({ telemetry: telemetry.options })
})
afterAll(async () => {
  await proxy.close()
  await telemetry.close()
})

test('requests through the proxy are measured by method and outcome, and no span holds the token', async () => {
  const alice = await proxy.connectAndFill('alice')
  await alice.text('who_am_i')
  proxy.service.know(TOKENS.alice, undefined)
  expect((await alice.text('who_am_i')).isError).toBe(true)
  const scraped = await telemetry.scrape()
  const calls = { mcp_method_name: 'tools/call' }
  expect(seriesValue(scraped, 'mcp_server_operation_duration_count', calls)).toBe(2)
  expect(seriesValue(scraped, 'mcp_server_operation_duration_count', { ...calls, error_type: 'tool_error' })).toBe(1)
  expect(seriesValue(scraped, 'mcp_server_operation_duration_count', { mcp_method_name: 'initialize' })).toBe(1)
  const spans = telemetry.takeSpans()
  expect(spans).toContain('tools/call')
  expect(spans).not.toContain(TOKENS.alice)
})
