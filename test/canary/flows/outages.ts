import { storageKey } from '../../../src/core/model/storage-key.ts'
import { call } from '../../../src/testing/secret-backend/calls.ts'
import { expectStatus, expectThat, type Flow, flow } from '../flow.ts'
import type { World } from '../world.ts'

/** Each fault that a network or a store has, met by a tool's read, a form's save and an operator's list. */
export function outages(faults: readonly string[]): readonly Flow[] {
  return faults.map((fault) =>
    flow(`store: ${fault}`, async (world) => {
      await world.saved()
      const link = await askAgain(world)
      await world.store.fault(fault)
      try {
        const saved = await world.alice.submit(link, world.secrets.values)
        expectStatus(saved, 503)
        const text = (await world.clients.plain.call()).text
        expectThat(!/enter your own/.test(text), 'words of an outage, not a request for the credential')
        await world.thrown(async () => {
          for await (const _ of world.store.backend.list(call(AbortSignal.timeout(500)))) break
        })
      } finally {
        await world.store.fault('none')
      }
      // The circuit breaker lets a call through every two seconds.
      for (let attempt = 0; attempt < 600; attempt += 1) {
        const state = await world.inner.reader.status(keyOf(world), { correlationId: 'after' }).catch(() => undefined)
        if (state) return expectThat(state.status === 'active', 'the credential is still there')
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      throw new Error('The store did not come back.')
    }),
  )
}

function keyOf(world: World) {
  return storageKey('canary', world.owner)
}

/** A link for a credential that is there: it was asked for before it was saved by another way. */
async function askAgain(world: World) {
  const user = { ...world.owner, clientId: 'test-mcp-client' }
  const request = await world.inner.pendingRequests.openOrReuse({ provider: 'canary', user, cause: 'absent' })
  return world.linkIn(`${world.baseUrl}/credentials/canary/entry?t=${request.handle}`)
}
