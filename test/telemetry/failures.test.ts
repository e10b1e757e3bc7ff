import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { CredentialVaultError } from '../../src/core/model/errors.ts'
import type { AuditEvent } from '../../src/core/ports/audit-sink.ts'
import type { SecretBackend } from '../../src/core/ports/secret-backend.ts'
import { fillIn, linkIn, startHarness } from '../harness/mcp-harness.ts'
import { seriesValue, testTelemetry } from '../harness/telemetry.ts'

const memory = { credential_vault_backend: 'memory' }

test('a backend that is down shows in its breaker, its outcomes and the problems, and so does its return', async () => {
  const telemetry = testTelemetry()
  onTestFinished(() => telemetry.close())
  let isDown = false
  const inner = memoryBackend()
  const backend: SecretBackend = {
    ...inner,
    async stat(key, call) {
      if (isDown) throw new CredentialVaultError('unavailable', 'down', { reason: 'io', retryable: true })
      return inner.stat(key, call)
    },
  }
  const harness = await startHarness({ backend, telemetry: telemetry.options })
  onTestFinished(() => harness.close())
  const alice = await harness.connect('alice')
  isDown = true
  await alice.call()
  await alice.call()
  const down = await telemetry.scrape()
  expect(seriesValue(down, 'credential_vault_breaker_open', memory)).toBe(1)
  const failed = { ...memory, credential_vault_operation: 'stat', credential_vault_outcome: 'io' }
  expect(seriesValue(down, 'credential_vault_backend_duration_count', failed)).toBe(5)
  expect(seriesValue(down, 'credential_vault_problems', { credential_vault_part: 'backend' })).toBe(1)
  isDown = false
  // The breaker lets one call through every two seconds.
  await expect.poll(async () => (await alice.text()).text, { interval: 200 }).toContain('/credentials/jira/entry')
  const up = await telemetry.scrape()
  expect(seriesValue(up, 'credential_vault_breaker_open', memory)).toBe(0)
  expect(seriesValue(up, 'credential_vault_problems', { credential_vault_part: 'backend' })).toBe(0)
})

test('an audit log that takes no line shows in its queue and its lag', async () => {
  const telemetry = testTelemetry()
  onTestFinished(() => telemetry.close())
  let isFull = false
  const harness = await startHarness({
    telemetry: telemetry.options,
    wrapAudit: (audit) => ({
      ...audit,
      async append(event: AuditEvent) {
        if (isFull) throw new CredentialVaultError('audit_unavailable', 'full', { reason: 'disk_full' })
        return audit.append(event)
      },
    }),
  })
  onTestFinished(() => harness.close())
  isFull = true
  await harness.vault.endSessions(harness.owner('alice'))
  await expect.poll(async () => seriesValue(await telemetry.scrape(), 'credential_vault_audit_lag')).toBeGreaterThan(0)
  const full = await telemetry.scrape()
  expect(seriesValue(full, 'credential_vault_audit_queued')).toBe(1)
  expect(
    seriesValue(full, 'credential_vault_audit_write_duration_count', { credential_vault_outcome: 'disk_full' }),
  ).toBe(1)
  isFull = false
  await harness.vault.endSessions(harness.owner('alice'))
  const written = await telemetry.scrape()
  expect(seriesValue(written, 'credential_vault_audit_queued')).toBe(0)
  expect(seriesValue(written, 'credential_vault_audit_lag')).toBe(0)
})

test("pino's line about a failed check has the id that the user is shown and the audit log has", async () => {
  const lines: Record<string, unknown>[] = []
  const harness = await startHarness({
    logger: pino({ level: 'debug' }, { write: (line) => void lines.push(JSON.parse(line)) }),
    jira: {
      verify: async () => {
        throw new Error('the service is odd')
      },
    },
  })
  onTestFinished(() => harness.close())
  const alice = await harness.connect('alice')
  const page = await fillIn(linkIn((await alice.text()).text), 'alice', { pat: 'a-token-of-the-log-4711' })
  const line = lines.find(({ component }) => component === 'form')
  expect(line).toMatchObject({ level: 40, provider: 'jira', reason: expect.any(String) })
  const id = String(line?.['correlationId'])
  expect(page.html).toContain(id)
  const event = harness.audit.events.find(({ type }) => type === 'credential.verification_failed')
  expect(event?.correlationId).toBe(id)
  expect(JSON.stringify(lines)).not.toContain('a-token-of-the-log-4711')
})
