import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import type { PendingStore } from '../../../src/core/ports/pending-store.ts'
import { memoryBrowserSessions } from '../../../src/pending/memory-browser-sessions.ts'
import { memoryPendingStore } from '../../../src/pending/memory-pending-store.ts'
import { type FormServer, GOOD_VALUES, startFormServer } from '../../harness/browser/form-server.ts'
import { headingOf, visitorOf } from '../../harness/browser/visitor.ts'

// The last check before the write asks for the session and renews the claim side by side. If the first fails at once, the submit gives the
// link back while the renewal is still on its way, and a renewal of a link that nobody holds claims it: for nobody, for a minute.
test('a failed save leaves the link usable, although the store of pending requests answers later than that of sessions', async () => {
  const sessions = memoryBrowserSessions()
  const store = memoryPendingStore()
  let isDown = false
  let claims = 0
  let late: Promise<boolean> | undefined
  const claimLater = async (...claim: Parameters<PendingStore['claim']>) => {
    await delay(100)
    return store.claim(...claim)
  }
  const slow: PendingStore = {
    ...store,
    async claim(...claim) {
      claims += 1
      // Once sent, it arrives, even if nobody waits for its answer.
      if (claims !== 2) return store.claim(...claim)
      late = claimLater(...claim)
      return late
    },
  }
  const server: FormServer = await startFormServer({
    pendingStore: slow,
    sessions: {
      ...sessions,
      async isEnded(session) {
        if (isDown) throw new CredentialVaultError('unavailable', 'Down.', { reason: 'connection', retryable: true })
        return sessions.isEnded(session)
      },
    },
    provider: {
      async verify() {
        isDown = claims === 0
        return { ok: true }
      },
    },
  })
  try {
    const link = await server.ask('alice')
    const alice = visitorOf(server)
    await alice.signIn('alice', link)
    const failed = await alice.submit(link, GOOD_VALUES)
    expect(failed.status).toBe(503)
    expect(await server.stored('alice')).toBe('absent')
    isDown = false
    await late
    expect((await server.pendingRequests.find(link.request.handle))?.state).toBe('open')
    const again = await alice.submit(link, GOOD_VALUES)
    expect(`${again.status} ${again.status === 303 ? '' : headingOf(again.text)}`).toBe('303 ')
    expect(await server.stored('alice')).toEqual(GOOD_VALUES)
  } finally {
    await server.close()
  }
})
