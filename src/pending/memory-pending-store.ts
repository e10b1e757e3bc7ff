import { z } from 'zod'
import { CredentialVaultError } from '../core/model/errors.ts'
import { type OptionSchemas, parseOptions } from '../core/model/options.ts'
import type {
  PendingEntry,
  PendingKey,
  PendingOutcome,
  PendingStore,
  StoredEntry,
} from '../core/ports/pending-store.ts'
import { createTopicListeners } from '../core/requests/topic-listeners.ts'

export interface MemoryPendingStoreOptions {
  /** Most requests held at once, 1 to 1000000. New requests replace spent ones. Default 10000. */
  readonly maxEntries?: number
  /** Most open requests of one owner, 1 to 1000. Default 20. */
  readonly maxOpenPerOwner?: number
}

const optionsSchema = z.strictObject({
  maxEntries: z.int().min(1).max(1_000_000).default(10_000),
  maxOpenPerOwner: z.int().min(1).max(1000).default(20),
} satisfies OptionSchemas<MemoryPendingStoreOptions>)

interface Held {
  readonly entry: PendingEntry
  /** At most `MOST_WAITING_CALLS`. An array, because a set for each waiting call takes far more memory. */
  waiters: readonly string[]
  claim: { readonly id: string; readonly until: number } | undefined
  outcome: PendingOutcome | undefined
  closedAt?: number
}

const SWEEP_MILLISECONDS = 30_000

/**
 * Keeps pending requests in this process's memory. A restart loses them, and other replicas do not see them.
 *
 * @example
 * ```ts
 * import { memoryPendingStore, openVault } from 'mcp-credential-vault'
 *
 * const pendingStore = memoryPendingStore({ maxOpenPerOwner: 5 })
 * const vault = await openVault({ serverBaseUrl: 'https://mcp.example.com', backend, identity, pendingStore })
 * ```
 */
export function memoryPendingStore(options: MemoryPendingStoreOptions = {}): PendingStore {
  const { maxEntries, maxOpenPerOwner } = parseOptions(optionsSchema, options, 'memoryPendingStore')
  const held = new Map<PendingKey, Held>()
  const slots = new Map<string, PendingKey>()
  const owners = new Map<string, readonly PendingKey[]>()
  const listeners = createTopicListeners()
  let sweeper: NodeJS.Timeout | undefined
  let isShutDown = false

  // Nothing below awaits, so each method is one atomic step.
  function now(): number {
    if (isShutDown)
      throw new CredentialVaultError('unavailable', 'The pending store is shut down.', { reason: 'closed' })
    return Date.now()
  }

  function find(key: PendingKey, at: number): Held | undefined {
    const found = held.get(key)
    if (found && isForgotten(found, at)) {
      remove(found)
      return undefined
    }
    return found
  }

  function remove({ entry }: Held): void {
    held.delete(entry.key)
    freeSlot(entry)
    const left = owners.get(entry.owner)?.filter((key) => key !== entry.key) ?? []
    if (left.length > 0) owners.set(entry.owner, left)
    else owners.delete(entry.owner)
    if (held.size === 0) stopSweeping()
  }

  function freeSlot(entry: PendingEntry): void {
    if (slots.get(entry.slot) === entry.key) slots.delete(entry.slot)
  }

  function insert(entry: PendingEntry): Held {
    const inserted: Held = { entry: { ...entry }, waiters: [], claim: undefined, outcome: undefined }
    held.set(entry.key, inserted)
    slots.set(entry.slot, entry.key)
    owners.set(entry.owner, [...(owners.get(entry.owner) ?? []), entry.key])
    sweeper ??= setInterval(sweep, SWEEP_MILLISECONDS).unref()
    return inserted
  }

  function sweep(): void {
    const at = Date.now()
    for (const one of [...held.values()]) if (isForgotten(one, at)) remove(one)
  }

  function stopSweeping(): void {
    clearInterval(sweeper)
    sweeper = undefined
  }

  // A spent request only tells its owner how it ended. If it counted, one user could open and cancel requests until no other user
  // gets one.
  function makeRoom(at: number): void {
    if (held.size < maxEntries) return
    for (const one of held.values()) {
      if (isLive(one, at)) continue
      remove(one)
      return
    }
    throw new CredentialVaultError(
      'pending_store_full',
      'Too many credential requests are open. Try again in a few minutes.',
      { reason: 'store_full', retryable: true },
    )
  }

  function checkOwnerLimit(owner: string, at: number): void {
    let open = 0
    for (const key of owners.get(owner) ?? []) {
      const one = held.get(key)
      if (one && isLive(one, at)) open += 1
    }
    if (open < maxOpenPerOwner) return
    throw new CredentialVaultError(
      'pending_store_full',
      'You have too many open credential requests. Finish or cancel one of them, or wait until they expire.',
      { reason: 'owner_full', retryable: true },
    )
  }

  function close(found: Held, outcome: PendingOutcome, at: number): boolean {
    if (found.outcome !== undefined) return false
    found.outcome = outcome
    found.closedAt = at
    found.claim = undefined
    freeSlot(found.entry)
    return true
  }

  return {
    name: 'memory',
    shared: false,

    async openOrReuse(entry, waiterId) {
      const at = now()
      const current = slots.get(entry.slot)
      const reusable = current === undefined ? undefined : find(current, at)
      if (reusable && reusable.outcome === undefined && at < reusable.entry.expiresAt) {
        addWaiter(reusable, waiterId)
        return asStored(reusable, at)
      }
      checkOwnerLimit(entry.owner, at)
      makeRoom(at)
      const inserted = insert(entry)
      addWaiter(inserted, waiterId)
      return asStored(inserted, at)
    },

    async get(key) {
      const at = now()
      const found = find(key, at)
      return found && asStored(found, at)
    },

    async claim(key, claimId, until) {
      const at = now()
      const found = find(key, at)
      if (!found || found.outcome !== undefined) return false
      const isHolder = found.claim?.id === claimId
      if (!isHolder && (isClaimed(found, at) || at >= found.entry.expiresAt)) return false
      found.claim = { id: claimId, until }
      return true
    },

    async unclaim(key, claimId) {
      const found = find(key, now())
      if (found?.claim?.id === claimId) found.claim = undefined
    },

    async close(key, outcome, topics = []) {
      const at = now()
      const found = find(key, at)
      topics.forEach(listeners.wake)
      return found !== undefined && close(found, outcome, at)
    },

    async closeAll(owner, outcome) {
      const at = now()
      const open = [...(owners.get(owner) ?? [])].flatMap((key) => find(key, at) ?? [])
      return open.filter((one) => close(one, outcome, at)).map((one) => asStored(one, at))
    },

    async leave(key, waiterId) {
      const found = find(key, now())
      if (found) found.waiters = found.waiters.filter((waiter) => waiter !== waiterId)
    },

    async closeUnlessAwaited(key, outcome, topics = []) {
      const at = now()
      const found = find(key, at)
      if (!found || found.waiters.length > 0 || isClaimed(found, at) || !close(found, outcome, at)) return false
      topics.forEach(listeners.wake)
      return true
    },

    async listen(topic, onWake) {
      now()
      return listeners.listen(topic, onWake)
    },

    async wake(topic) {
      now()
      listeners.wake(topic)
    },

    async shutdown() {
      isShutDown = true
      stopSweeping()
      held.clear()
      slots.clear()
      owners.clear()
      listeners.clear()
    },
  }
}

function addWaiter(one: Held, waiterId: string | undefined): void {
  if (waiterId !== undefined && !one.waiters.includes(waiterId)) one.waiters = [...one.waiters, waiterId]
}

function isClaimed(one: Held, at: number): boolean {
  return one.claim !== undefined && at < one.claim.until
}

// A save that was claimed in the link's last second still runs after the link has expired.
function isLive(one: Held, at: number): boolean {
  return one.outcome === undefined && (at < one.entry.expiresAt || isClaimed(one, at))
}

function isForgotten(one: Held, at: number): boolean {
  return at >= one.entry.keepUntil && !isLive(one, at)
}

function asStored(one: Held, at: number): StoredEntry {
  if (one.outcome !== undefined)
    // The machine's clock may have been set back meanwhile.
    return { ...one.entry, state: 'closed', outcome: one.outcome, closedAgo: Math.max(0, at - (one.closedAt ?? at)) }
  return { ...one.entry, state: isClaimed(one, at) ? 'claimed' : 'open' }
}
