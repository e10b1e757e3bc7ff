import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { METRICS } from '../../src/core/telemetry/metric-catalogue.ts'
import { fillIn, type Harness, startHarness, type TestClient } from '../harness/mcp-harness.ts'
import { seriesValue, type TestTelemetry, testTelemetry } from '../harness/telemetry.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const traceparent = `00-${TRACE}-b7ad6b7169203331-01`
const PAT = 'a-token-of-the-walk-4711'

let telemetry: TestTelemetry
let harness: Harness
let scraped: string

const spansOf = (trace: string) => telemetry.spans().filter((span) => span.spanContext().traceId === trace)

const read = (client: TestClient, meta?: Record<string, unknown>) =>
  client.client.callTool({ name: 'read_secret', arguments: {}, ...(meta && { _meta: meta }) })

beforeAll(async () => {
  telemetry = testTelemetry()
  harness = await startHarness({
    telemetry: telemetry.options,
    tools(server, gate, { jira }) {
      server.registerTool(
        'rejected',
        {},
        gate(jira, { retry: false }, async (extra) => {
          const handle = jira.getCredentials(extra)
          await handle.use(() => undefined)
          await handle.reject({ status: 401 })
          return { content: [{ type: 'text', text: 'dead' }] }
        }),
      )
    },
  })
  const saves: Promise<unknown>[] = []
  const alice = await harness.connect('alice', {
    onLink(link) {
      saves.push(fillIn(link, 'alice', { pat: PAT }))
      return 'accept'
    },
  })
  // Call, login, form, save and result; then once more from the cache, with a trace; then a rejection.
  await read(alice, { traceparent })
  await Promise.all(saves)
  await read(alice)
  await alice.call('rejected')
  scraped = await telemetry.scrape()
}, 60_000)

afterAll(async () => {
  await harness.close()
  await telemetry.close()
})

describe('after a call, a login, a form, a save, a result and a rejection', () => {
  const jira = { credential_vault_provider: 'jira' }
  const memory = { credential_vault_backend: 'memory' }

  test.each<[string, Readonly<Record<string, string>>, number]>([
    ['mcp_server_operation_duration_count', { mcp_method_name: 'initialize' }, 1],
    ['mcp_server_operation_duration_count', { mcp_method_name: 'notifications/initialized' }, 1],
    ['mcp_server_operation_duration_count', { mcp_method_name: 'tools/call' }, 3],
    ['credential_vault_resolve_duration_count', { ...jira, ...memory, credential_vault_outcome: 'success' }, 3],
    ['credential_vault_cache_lookups_total', { ...memory, credential_vault_outcome: 'miss' }, 1],
    ['credential_vault_cache_lookups_total', { ...memory, credential_vault_outcome: 'hit' }, 2],
    ['credential_vault_backend_duration_count', { ...memory, credential_vault_operation: 'write' }, 1],
    ['credential_vault_backend_duration_count', { ...memory, credential_vault_operation: 'read' }, 1],
    ['credential_vault_breaker_open', memory, 0],
    ['credential_vault_waits', jira, 0],
    ['credential_vault_wait_duration_count', { ...jira, credential_vault_outcome: 'saved' }, 1],
    ['credential_vault_submit_to_wake_duration_count', jira, 1],
    ['credential_vault_form_outcomes_total', { ...jira, credential_vault_outcome: 'opened' }, 1],
    ['credential_vault_form_outcomes_total', { ...jira, credential_vault_outcome: 'saved' }, 1],
    ['credential_vault_audit_lag', {}, 0],
    ['credential_vault_audit_queued', {}, 0],
    ['credential_vault_events_total', { credential_vault_event: 'credential.resolved' }, 3],
    ['credential_vault_events_total', { credential_vault_event: 'credential.rejected' }, 1],
    ['credential_vault_events_total', { credential_vault_event: 'login.succeeded' }, 1],
  ])('%s %o is %i', (name, labels, value) => {
    expect(seriesValue(scraped, name, labels)).toBe(value)
  })

  test('an audit line was measured for each event, and the sums are times', () => {
    const lines = harness.audit.events.length
    expect(seriesValue(scraped, 'credential_vault_audit_write_duration_count')).toBe(lines)
    expect(seriesValue(scraped, 'mcp_server_operation_duration_sum')).toBeGreaterThan(0)
    expect(seriesValue(scraped, 'credential_vault_wait_duration_sum', jira)).toBeGreaterThan(0)
  })

  test('every promised metric is there', () => {
    const quiet = ['credential_vault.problems']
    const missing = Object.keys(METRICS).filter(
      (name) => !quiet.includes(name) && !scraped.includes(`# TYPE ${name.replaceAll('.', '_')}`),
    )
    expect(missing).toEqual([])
  })

  test('the spans belong to the trace that the request named', () => {
    const spans = spansOf(TRACE)
    expect([...new Set(spans.map(({ name }) => name))].sort()).toEqual([
      'credential_vault.backend read',
      'credential_vault.backend stat',
      'tools/call',
    ])
    const call = spans.find(({ name }) => name === 'tools/call')
    expect(call?.parentSpanContext?.spanId).toBe('b7ad6b7169203331')
    const inside = spans.filter((span) => span !== call)
    expect(inside.map((span) => span.parentSpanContext?.spanId)).toEqual(inside.map(() => call?.spanContext().spanId))
    const [resolved] = harness.audit.events.filter(({ type }) => type === 'credential.resolved')
    const read = spans.find(({ name }) => name.endsWith('read'))
    expect(read?.attributes['credential_vault.correlation_id']).toBe(resolved?.correlationId)
  })

  test('the header names the trace where _meta names none, and _meta goes before it', async () => {
    const other = '1af7651916cd43dd8448eb211c80319d'
    const third = '2af7651916cd43dd8448eb211c80319e'
    const bob = await harness.connect('bob', { headers: { traceparent: `00-${other}-b7ad6b7169203331-01` } })
    await read(bob)
    await read(bob, { traceparent: `00-${third}-b7ad6b7169203331-01` })
    const names = ['credential_vault.backend stat', 'tools/call']
    expect(spansOf(third).map(({ name }) => name)).toEqual(names)
    expect(spansOf(other).map(({ name }) => name)).toEqual(expect.arrayContaining(names))
  })

  test('neither the secret nor a person, link or tool is in metrics or spans', () => {
    const spans = JSON.stringify(telemetry.spans().map(({ name, attributes, events }) => [name, attributes, events]))
    for (const text of [PAT, 'alice', harness.identityProvider.issuer, 'read_secret', '?t=', 'credentials/jira']) {
      expect(scraped).not.toContain(text)
      expect(spans).not.toContain(text)
    }
  })
})
