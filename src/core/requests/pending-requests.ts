import { createHash, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { ownerHash, ownerHashes } from '../crypto/owner-hash.ts'
import type { Sealer, SealerPurposes } from '../crypto/seal.ts'
import { REQUEST_CAUSES } from '../model/credential-state.ts'
import { CredentialVaultError } from '../model/errors.ts'
import type { Owner } from '../model/owner.ts'
import { LINK_HANDLE } from '../network/form-urls.ts'
import type { NewRequest, PendingRequest, WaitEnd } from '../ports/pending-request.ts'
import type { PendingEntry, PendingKey, PendingOutcome, PendingStore, StoredEntry } from '../ports/pending-store.ts'
import { type HasCredential, type RequestState, stateOf, type WaitObserver, waitForEnd } from './request-wait.ts'
import { isFor, resumed } from './resumed-request.ts'
import { createWaitingCalls, MOST_WAITING_CALLS } from './waiting-calls.ts'

/** A request and its state, found by its handle. */
export interface FoundRequest {
  readonly request: PendingRequest
  readonly state: RequestState
}

interface Opened {
  readonly request: PendingRequest
  /** False if the owner has the most waiting calls in all processes together. */
  readonly mayWait: boolean
}

export interface Claim {
  readonly key: PendingKey
  readonly id: string
}

/**
 * Pending requests: the missing credential, the link to its form, and the calls that wait for it. The store holds only sealed records under
 * hashes; every replica with the same web key can rebuild the link.
 */
export interface PendingRequests {
  /**
   * Returns the owner's open request for this provider and OAuth client, and creates it if there is none. A call that `waits` gets a
   * `waiterId` and is counted at once, so `wait` or `leave` must follow. It gets no `waiterId` if its owner has the most waiting calls
   * allowed. Throws `pending_store_full`, `unavailable`.
   */
  openOrReuse(wanted: NewRequest, options?: { readonly waits?: boolean }): Promise<PendingRequest>
  /**
   * Returns the open request that an earlier leg of the same call asked for, as `openOrReuse` would, or how it ended. It is `expired` if it
   * belongs to another owner, provider or client, or is no longer stored.
   */
  resume(wanted: NewRequest, handle: string, options?: { readonly waits?: boolean }): Promise<PendingRequest | WaitEnd>
  /** Ends the wait of a call that has a `waiterId` and will not wait. */
  leave(request: PendingRequest): Promise<void>
  /**
   * Finds a request by the handle in its URL. Returns undefined if the handle is not ours or the request is no longer stored. With `asker`, a
   * shared store looks in one step for a request of that person only, and the answer for another's comes as quickly as for none.
   */
  find(handle: string, asker?: Owner): Promise<FoundRequest | undefined>
  /** Claims the request for the one submit that may save. Returns undefined if the request is not open. The claim lapses after a minute. */
  claim(request: PendingRequest): Promise<Claim | undefined>
  /** Extends the claim by a minute. Resolves false if it has lapsed and another submit may have had the link. */
  renew(claim: Claim): Promise<boolean>
  /** Reopens the link after a failed save. */
  unclaim(claim: Claim): Promise<void>
  /** Ends the request and wakes every call that waits for this owner and provider. Resolves whether this call ended it. */
  close(request: PendingRequest, outcome: PendingOutcome): Promise<boolean>
  /** Ends the request for a declined consent, unless another call still waits for it. */
  withdraw(request: PendingRequest): Promise<boolean>
  /**
   * Ends all open requests of the owner and wakes their calls.
   *
   * @throws `unsupported` if the store cannot find requests by owner
   */
  endAllOf(owner: Owner): Promise<void>
  /**
   * Waits until the request is closed or expires, or until `hasCredential` reports that the owner's credential was saved in another way.
   * Rejects with the signal's reason if it aborts, which ends this wait only. An outage of the store or the backend does not end it before
   * the link expires.
   */
  wait(request: PendingRequest, hasCredential: HasCredential, signal: AbortSignal): Promise<WaitEnd>
  /** How many calls of this process wait for their users. */
  waitingCalls(): number
  /** Whether links still work after this process has ended, because the store is shared. */
  readonly outliveProcess: boolean
  /** First 8 hex digits of the request's key, for audit lines. */
  label(request: PendingRequest): string
}

export interface PendingRequestsParts {
  readonly store: PendingStore
  readonly sealer: Sealer<'pending-request', 'link' | 'slot' | 'owner' | 'topic'>
  /** How long a new link works, in seconds. Default 600. */
  readonly linkTtlSeconds?: number | undefined
  readonly waitObserver?: WaitObserver | undefined
}

export const PENDING_REQUEST_PURPOSES = {
  seal: ['pending-request'],
  mac: ['link', 'slot', 'owner', 'topic'],
} as const satisfies SealerPurposes

export const DEFAULT_LINK_TTL_SECONDS = 600

/** Milliseconds for which an ended link's owner is still told how it ended. */
const KEPT_AFTER_END = 10 * 60_000
const CLAIM_LAPSES_AFTER = 60_000

const sealedSchema = z.strictObject({
  id: z.string(),
  provider: z.string(),
  issuer: z.string(),
  subject: z.string(),
  clientId: z.string().optional(),
  clientName: z.string().optional(),
  tool: z.string().optional(),
  cause: z.enum(['active', ...REQUEST_CAUSES]),
  openedBy: z.literal('owner').optional(),
  createdAt: z.number(),
})

export function createPendingRequests({
  store,
  sealer,
  linkTtlSeconds = DEFAULT_LINK_TTL_SECONDS,
  waitObserver: observer,
}: PendingRequestsParts): PendingRequests {
  const handlesOf = (id: string) => sealer.macs('link', id).map((hash) => hash.toString('base64url'))
  const keyOf = (handle: string) => createHash('sha256').update(handle).digest('base64url') as PendingKey
  // During a change of keys the replicas do not all have the same current key.
  const topicsOf = ({ provider, user }: NewRequest) =>
    sealer.macs('topic', provider, user.issuer, user.subject).map((hash) => hash.toString('base64url'))
  const wakeAll = async (topics: Iterable<string>) =>
    void (await Promise.all([...topics].map((topic) => store.wake(topic))))

  function newEntry(wanted: NewRequest): PendingEntry {
    const { provider, user, cause, openedBy } = wanted
    const clientName = displayed(wanted.clientName)
    const tool = displayed(wanted.tool)
    const id = randomBytes(32).toString('base64url')
    const createdAt = Date.now()
    const expiresAt = createdAt + linkTtlSeconds * 1000
    const keepUntil = expiresAt + KEPT_AFTER_END
    const { issuer, subject, clientId } = user
    const sealed = sealer.seal(
      'pending-request',
      { id, provider, issuer, subject, clientId, clientName, tool, cause, openedBy, createdAt },
      keepUntil,
    )
    return {
      key: keyOf(sealer.mac('link', id).toString('base64url')),
      slot: sealer.mac('slot', provider, issuer, subject, clientId ?? '').toString('base64url'),
      owner: ownerHash(sealer, user),
      sealed,
      expiresAt,
      keepUntil,
    }
  }

  function unseal(entry: StoredEntry): PendingRequest | undefined {
    const content = sealedSchema.safeParse(sealer.open('pending-request', entry.sealed))
    if (!content.success) return undefined
    const { id, issuer, subject, clientId, ...rest } = content.data
    // A record moved under another key would give its owner to that link.
    const handle = handlesOf(id).find((one) => keyOf(one) === entry.key)
    if (handle === undefined) return undefined
    return {
      ...rest,
      user: { issuer, subject, ...(clientId === undefined ? {} : { clientId }) },
      key: entry.key,
      handle,
      expiresAt: entry.expiresAt,
    }
  }

  /** A shared store is not believed for whose request it returns. */
  function unsealFor(wanted: NewRequest, entry: StoredEntry): PendingRequest | undefined {
    const request = unseal(entry)
    return request && isFor(wanted, request) ? request : undefined
  }

  async function opened(wanted: NewRequest, waiterId: string | undefined): Promise<Opened> {
    const insert = () => store.openOrReuse(newEntry(wanted), waiterId, MOST_WAITING_CALLS)
    const entry = await insert()
    const request = unsealFor(wanted, entry)
    if (request) return { request, mayWait: !entry.mayNotWait }
    // The entry was sealed with a web key that is not valid any more, or somebody put another's record there. Close it to make room for a
    // new one.
    await store.close(entry.key, 'cancelled')
    const again = await insert()
    const replaced = unsealFor(wanted, again)
    if (!replaced) throw swapped(store.name)
    return { request: replaced, mayWait: !again.mayNotWait }
  }

  const waitingCalls = createWaitingCalls()

  const requests: PendingRequests = {
    async openOrReuse(wanted, { waits = false } = {}) {
      const waiterId = waits ? waitingCalls.begin(wanted.user) : undefined
      try {
        const { request, mayWait } = await opened(wanted, waiterId)
        if (waiterId === undefined) return request
        if (mayWait) return { ...request, waiterId }
        waitingCalls.end(wanted.user, waiterId)
        return request
      } catch (error) {
        waitingCalls.end(wanted.user, waiterId)
        throw error
      }
    },

    resume: (wanted, handle, { waits = false } = {}) => resumed(requests, wanted, { handle, waits }),

    async leave({ key, user, waiterId }) {
      waitingCalls.end(user, waiterId)
      // Ignore the error: the store drops the waiter with the request, and the call's own result matters more.
      if (waiterId !== undefined) await store.leave(key, waiterId).catch(() => undefined)
    },

    async find(handle, asker) {
      if (!LINK_HANDLE.test(handle)) return undefined
      const entry = await store.get(keyOf(handle), undefined, asker && ownerHashes(sealer, asker))
      const request = entry && unseal(entry)
      if (!entry || !request) return undefined
      return { request, state: stateOf(entry) }
    },

    async claim(request) {
      const claim = { key: request.key, id: randomBytes(16).toString('base64url') }
      return (await store.claim(claim.key, claim.id, Date.now() + CLAIM_LAPSES_AFTER)) ? claim : undefined
    },

    renew: (claim) => store.claim(claim.key, claim.id, Date.now() + CLAIM_LAPSES_AFTER),

    unclaim: (claim) => store.unclaim(claim.key, claim.id),

    close: (request, outcome) => store.close(request.key, outcome, topicsOf(request)),

    async withdraw(request) {
      await requests.leave(request)
      return store.closeUnlessAwaited(request.key, 'declined', topicsOf(request))
    },

    async endAllOf(owner) {
      if (!store.closeAll) throw endsNone(store.name)
      const closed: StoredEntry[] = []
      for (const hash of ownerHashes(sealer, owner)) closed.push(...(await store.closeAll(hash, 'cancelled')))
      await wakeAll(new Set(closed.map(unseal).flatMap((request) => (request ? topicsOf(request) : []))))
    },

    wait: (request, hasCredential, signal) =>
      waitForEnd({ store, topics: topicsOf(request), request, hasCredential, signal, observer }).then(
        (end) => {
          const left = requests.leave(request)
          // The request has ended for every call, and nothing depends on what is left of this one.
          return end === 'saved' ? end : left.then(() => end)
        },
        (error: unknown) =>
          requests.leave(request).then(() => {
            throw error
          }),
      ),

    waitingCalls: waitingCalls.count,

    outliveProcess: store.shared,

    label: (request) => Buffer.from(request.key, 'base64url').toString('hex').slice(0, 8),
  }
  return requests
}

function swapped(store: string): CredentialVaultError {
  return new CredentialVaultError(
    'record_tampered',
    `The ${store} pending store returned another request than the one that was put there. Find out who else can write to it.`,
    { reason: 'swapped' },
  )
}

function endsNone(store: string): CredentialVaultError {
  return new CredentialVaultError(
    'unsupported',
    `The ${store} pending store cannot find requests by owner. They end when their links expire; without a session nobody can use them.`,
  )
}

/** Shortens and cleans client and tool names, so that they can be sealed and shown. */
function displayed(name: string | undefined): string | undefined {
  return name?.slice(0, MAX_NAME_LENGTH).replace(/[\p{Cc}\p{Cs}]/gu, '')
}

const MAX_NAME_LENGTH = 200
