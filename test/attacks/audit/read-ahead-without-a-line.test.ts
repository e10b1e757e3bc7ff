import { expect, test } from 'vitest'
import { httpBrowser } from '../../../examples/tickets/http-browser.ts'
import { reconcile } from '../../../src/audit/reconcile/reconcile.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { fillIn, linkIn, openForm, startHarness } from '../../harness/mcp-harness.ts'

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

test('a wake that releases nothing reads no value', async () => {
  const real = memoryBackend()
  let [reads, looks] = [0, 0]
  const counted: SecretBackend = {
    ...real,
    async stat(...given) {
      looks += 1
      return real.stat(...given)
    },
    async read(...given) {
      reads += 1
      return real.read(...given)
    },
  }
  const harness = await startHarness({ backend: counted, jira: { tokenTimeoutSeconds: 100 } })
  try {
    const labels = { expiresAt: new Date(1) }
    const intent = { expect: 'any', audit: { writer: 'w', seq: 1 }, operationId: 'by-hand', labels } as const
    const call = { signal: AbortSignal.timeout(60_000), correlationId: 'by-hand' }
    await real.write(storageKey('jira', harness.owner('alice')), { pat: 'tok-that-has-expired' }, intent, call)
    const alice = await harness.connect('alice', { onLink: () => 'accept', clientId: 'vscode' })
    const waiting = alice.text().catch(() => undefined)
    await expect.poll(() => alice.links.length).toBe(1)
    // Whatever wakes the call: here another client's form is cancelled. In Redis, each waiting call is also woken once a minute.
    const other = await harness.connect('alice', { clientId: 'other-client' })
    const browser = httpBrowser()
    const form = await openForm(browser, linkIn((await other.text()).text), 'alice')
    reads = 0
    const before = looks
    await browser.press(form, 'Cancel', {})
    await expect.poll(() => looks).toBeGreaterThan(before)
    const lines = harness.audit.events.filter(
      ({ type }) => type === 'credential.resolved' || type === 'credential.read',
    )
    expect({ reads, lines: lines.length }).toEqual({ reads: 0, lines: 0 })
    await fillIn(alice.links[0] ?? '', 'alice', { pat: 'tok-3f9d2c71e8b04a56' })
    await waiting
  } finally {
    await harness.close()
  }
})
