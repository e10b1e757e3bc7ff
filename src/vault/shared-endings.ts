import { createSealer, type WebKeys } from '../core/crypto/seal.ts'
import type { Owner } from '../core/model/owner.ts'
import type { BrowserSessions } from '../core/ports/browser-sessions.ts'
import type { PendingStore } from '../core/ports/pending-store.ts'
import { createPendingRequests, PENDING_REQUEST_PURPOSES } from '../core/requests/pending-requests.ts'
import { endSessionsOf } from '../web/session/end-sessions.ts'

/** Ends what all replicas of a server share about one owner, from a process that is none of them. */
export interface SharedEndings {
  /** Ends the owner's browser sessions. Errors: `unavailable`. */
  sessions(owner: Owner): Promise<void>
  /** Ends the owner's links and wakes the calls that wait for them. Errors: `unavailable`. */
  requests(owner: Owner): Promise<void>
}

export interface SharedEndingsParts {
  readonly pendingStore: PendingStore
  readonly browserSessions: BrowserSessions
  /** The servers' keys, by which they know the owner. */
  readonly webKeys: WebKeys
}

/** The longest that `openVault.sessionMaxSeconds` may be: the servers' own setting is not known here. */
const LONGEST_SESSION_SECONDS = 86_400

export function createSharedEndings({ pendingStore, browserSessions, webKeys }: SharedEndingsParts): SharedEndings {
  const requests = createPendingRequests({
    store: pendingStore,
    sealer: createSealer(webKeys, PENDING_REQUEST_PURPOSES),
  })
  const sealer = createSealer(webKeys, { seal: [], mac: ['owner'] })
  const options = { sessionMaxSeconds: LONGEST_SESSION_SECONDS }
  return {
    sessions: (owner) => endSessionsOf({ sessions: browserSessions, sealer, options }, owner),
    requests: (owner) => requests.endAllOf(owner),
  }
}
