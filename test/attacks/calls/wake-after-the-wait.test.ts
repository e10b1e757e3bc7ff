import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createSealer } from '../../../src/core/crypto/seal.ts'
import { sodiumReady } from '../../../src/core/crypto/sodium.ts'
import type { PendingStore } from '../../../src/core/ports/pending-store.ts'
import { createPendingRequests } from '../../../src/core/requests/pending-requests.ts'
import { memoryPendingStore } from '../../../src/pending/memory-pending-store.ts'

// A shared store's wake may be on its way when the call stops listening. A look with the call's id then counts the call as waiting again, after
// it has left: no decline ends the request any more, and the owner's limit of waiting calls has one less.
test('a wake that arrives after the client has gone does not look again', async () => {
  await sodiumReady()
  const store = memoryPendingStore()
  const steps: string[] = []
  let wake = () => {}
  const watched: PendingStore = {
    ...store,
    async get(key, waiterId) {
      steps.push(waiterId === undefined ? 'get' : 'get as waiting')
      return store.get(key)
    },
    async leave(...left) {
      steps.push('leave')
      return store.leave(...left)
    },
    async listen(_topic, onWake) {
      wake = onWake
      return () => undefined
    },
  }
  const requests = createPendingRequests({ store: watched, sealer: createSealer(randomBytes(32)) })
  const user = { issuer: 'https://login.example.com', subject: 'alice', clientId: 'vscode' }
  const request = await requests.openOrReuse({ provider: 'jira', user, cause: 'absent' }, { waits: true })
  const gone = new AbortController()
  const waiting = requests.wait(request, async () => false, gone.signal).catch(() => 'left')
  await expect.poll(() => steps).toContain('get as waiting')
  gone.abort()
  expect(await waiting).toBe('left')
  // A look would ask the store at once.
  wake()
  expect(steps.lastIndexOf('get as waiting')).toBeLessThan(steps.indexOf('leave'))
  await store.shutdown()
})
