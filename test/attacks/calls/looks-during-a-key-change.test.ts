import { expect, test } from 'vitest'
import { createSealer } from '../../../src/core/crypto/seal.ts'
import { sodiumReady } from '../../../src/core/crypto/sodium.ts'
import { createPendingRequests } from '../../../src/core/requests/pending-requests.ts'
import { memoryPendingStore } from '../../../src/pending/memory-pending-store.ts'

// Redis lets each function that listens look by itself from time to time, and knows by its identity that a call was added twice.
test('a call that listens below two web keys is one call to the store', async () => {
  await sodiumReady()
  const store = memoryPendingStore()
  const listening: (() => void)[] = []
  const watched: typeof store = {
    ...store,
    listen(topic, onWake, awaited) {
      listening.push(onWake)
      return store.listen(topic, onWake, awaited)
    },
  }
  const sealer = createSealer([Buffer.alloc(32, 7), Buffer.alloc(32, 8)])
  const requests = createPendingRequests({ store: watched, sealer })
  const user = { issuer: 'https://login.example.com', subject: 'alice' }
  const request = await requests.openOrReuse({ provider: 'jira', user, cause: 'absent' }, { waits: true })
  const gone = new AbortController()
  const waiting = requests.wait(request, async () => false, gone.signal).catch(() => undefined)
  await expect.poll(() => listening.length).toBe(2)
  gone.abort()
  await waiting
  await store.shutdown()
  expect(new Set(listening).size).toBe(1)
})
