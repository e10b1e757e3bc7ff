import { expect, onTestFinished, test } from 'vitest'
import { logTo } from '../../../src/core/host/logger.ts'
import { createInstruments } from '../../../src/core/telemetry/instruments.ts'
import { createOperationMeter } from '../../../src/core/telemetry/operations.ts'
import { createSpans } from '../../../src/core/telemetry/spans.ts'
import { createTelemetry } from '../../../src/core/telemetry/telemetry.ts'
import { startHarness } from '../../harness/mcp-harness.ts'
import { seriesValue, testTelemetry } from '../../harness/telemetry.ts'

const FORGED = 'x"} 1\n{"level":50,"msg":"all credentials revoked"}\u001b[2J\u202e\r\n'

function observed() {
  const telemetry = testTelemetry()
  onTestFinished(() => telemetry.close())
  return telemetry
}

// A stranger or a user chooses the method of a message, and a series of metrics is kept for each value of a label.
test('a client that sends a thousand methods makes one series', async () => {
  const telemetry = observed()
  const { meterProvider, tracerProvider } = telemetry.options
  const meter = createOperationMeter(createInstruments(meterProvider), createSpans(tracerProvider))
  for (let at = 0; at < 1_000; at += 1) meter.begin(`${FORGED}${at}`, {}).end()
  meter.begin('tools/call', {}).end()
  const scraped = await telemetry.scrape()
  expect(scraped.match(/^mcp_server_operation_duration_count.*$/gm)).toHaveLength(2)
  const count = 'mcp_server_operation_duration_count'
  expect(seriesValue(scraped, count, { mcp_method_name: '_OTHER' })).toBe(1_000)
  expect(seriesValue(scraped, count, { mcp_method_name: 'tools/call' })).toBe(1)
  expect(new Set(telemetry.spans().map(({ name }) => name))).toEqual(new Set(['_OTHER', 'tools/call']))
})

test('names of providers, reasons of other code and HTTP statuses make a bounded number of series', async () => {
  const telemetry = observed()
  const { observe } = createTelemetry('memory', telemetry.options)
  const line = { outcome: 'denied', correlationId: 'x' } as const
  for (let at = 0; at < 5_000; at += 1) {
    observe({ ...line, type: 'form.rejected', provider: `p${at}`, reason: `x_${at}` })
    observe({ ...line, type: 'credential.denied', reason: `status_${100 + (at % 500)}` })
    observe({ ...line, type: 'form.rejected', provider: `${FORGED}${at}`, reason: FORGED as 'csrf' })
  }
  const scraped = await telemetry.scrape()
  expect(scraped.match(/^credential_vault_form_outcomes_total.*$/gm)).toHaveLength(201)
  expect(scraped.match(/^credential_vault_events_total.*$/gm)).toHaveLength(6)
  expect(scraped).not.toContain('revoked')
})

test("neither a user's name, a tool's nor a client's arrives in metrics, spans or the log", async () => {
  const telemetry = observed()
  const lines: string[] = []
  const keep = (fields: object, message: string) => void lines.push(JSON.stringify([fields, message]))
  const harness = await startHarness({
    telemetry: telemetry.options,
    logger: { debug: keep, info: keep, warn: keep, error: keep },
  })
  onTestFinished(() => harness.close())
  const mallory = await harness.connect('mallory')
  await mallory.call('read_secret')
  await mallory.client.callTool({ name: FORGED, arguments: {} }).catch(() => undefined)
  const all = [
    await telemetry.scrape(),
    JSON.stringify(telemetry.spans().map((one) => [one.name, one.attributes])),
    ...lines,
  ]
  for (const text of all)
    for (const name of ['mallory', 'revoked', 'read_secret', 'Test Client']) expect(text).not.toContain(name)
})

test('a name with line ends and control characters stays within its line and its field', () => {
  const lines: { readonly fields: Readonly<Record<string, unknown>>; readonly message: string }[] = []
  const keep = (fields: object, message: string) => void lines.push({ fields: { ...fields }, message })
  const log = logTo({ debug: keep, info: keep, warn: keep, error: keep }, 'form')
  log('warn', `verify failed: ${FORGED}`, { provider: FORGED.repeat(100) })
  const [{ fields, message }] = lines as [(typeof lines)[number]]
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is searched for.
  for (const text of [message, String(fields['provider'])]) expect(text).not.toMatch(/[\u0000-\u001f\u202e]/)
  expect(String(fields['provider']).length).toBeLessThanOrEqual(200)
})
