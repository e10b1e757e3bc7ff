import { expect, test } from 'vitest'
import { reconcile } from '../../../src/audit/reconcile/reconcile.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { fillIn, startHarness } from '../../harness/mcp-harness.ts'

// `audit reconcile` finds the reads of a thief by what no line has. AWS logs no correlation id, so there the request's id is all there is.
test('each read of a value in the backend is in a line of the audit log', async () => {
  const real = memoryBackend()
  const reads: string[] = []
  const numbered: SecretBackend = {
    ...real,
    async read(key, call) {
      const id = `request-${reads.length}`
      call.noteRequest?.(id)
      const found = await real.read(key, call)
      if (found.status === 'active') reads.push(id)
      return found
    },
  }
  const harness = await startHarness({ backend: numbered, jira: { tokenTimeoutSeconds: 100 } })
  try {
    const filling: Promise<unknown>[] = []
    const alice = await harness.connect('alice', {
      onLink(link) {
        filling.push(fillIn(link, 'alice', { pat: 'tok-3f9d2c71e8b04a56' }))
        return 'accept'
      },
    })
    expect((await alice.text()).text).toBe('a secret of 20 characters')
    await Promise.all(filling)
    expect(reads).not.toEqual([])

    const at = new Date().toISOString()
    const seen = reads.map((requestId) => {
      return { at, operation: 'GetSecretValue', requestId, correlationId: undefined, who: 'tools', refused: false }
    })
    async function* lines() {
      for (const event of harness.audit.events) yield { at, ...event } as never
    }
    const log = { entries: seen.length, accesses: seen, requestIds: new Set(reads), from: 0, to: Date.now() }
    expect((await reconcile(lines(), log, 0)).onlyBackend).toEqual([])
  } finally {
    await harness.close()
  }
})
