import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { memoryBackend } from '../../../src/backends/memory.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { fillIn, startHarness } from '../../harness/mcp-harness.ts'

// One person may have a hundred calls waiting. Each is woken a moment later than the one before it, and takes the read of that one for older
// than its own wake.
test('calls that one save wakes share one read of the value', async () => {
  const { isCurrent: _, ...real } = memoryBackend()
  let reads = 0
  const slow: SecretBackend = {
    ...real,
    async read(...given) {
      reads += 1
      await delay(30)
      return real.read(...given)
    },
  }
  const harness = await startHarness({ backend: slow, jira: { tokenTimeoutSeconds: 100 } })
  try {
    const requested = () => harness.audit.events.filter(({ type }) => type === 'credential.requested').length
    const alice = await harness.connect('alice', { onLink: () => 'accept' })
    const calls = Array.from({ length: 20 }, () => alice.text())
    await expect.poll(requested).toBe(20)
    await expect.poll(() => alice.links.length).toBe(1)
    reads = 0
    await fillIn(alice.links[0] ?? '', 'alice', { pat: 'tok-3f9d2c71e8b04a56' })
    await Promise.all(calls)
    expect(reads).toBeLessThanOrEqual(2)
  } finally {
    await harness.close()
  }
})
