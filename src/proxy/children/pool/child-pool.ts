import { CredentialVaultError } from '../../../core/model/errors.ts'
import { ownerKey } from '../../../core/model/owner.ts'
import type { Child } from '../child.ts'
import type { ChildEnd, EndReason } from '../end-reason.ts'
import { createCrashBackoff } from './crash-backoff.ts'
import { sumOf, watchMemory } from './memory-watch.ts'
import { type ChildStarter, openEntry, type PoolEntry } from './pool-entry.ts'
import { type ChildKey, type ChildSelection, crashKey, isSelected, keyText } from './pool-key.ts'
import { type CheckedLimits, checkLimits, type PoolLimits } from './pool-limits.ts'

/** What ends the children of a selection. */
export type ClosingReason = Extract<
  EndReason,
  'rotated' | 'rejected' | 'expired' | 'revoked' | 'offboarded' | 'session_closed'
>

/** The children of a proxy: one for each key. */
export interface ChildPool {
  /**
   * Returns the child of a key, and starts it if there is none. Calls for one key that come while it starts wait for the same start.
   *
   * @throws `unavailable`: `owner_full` or `overloaded` at a limit, `child_crashed` during a pause after crashes, `child_deadline`,
   *   `child_start`, `closed`; and what `starter.options` throws. After `closed`, here and from `child.send()`, nothing was delivered: read
   *   the credential again and call `get()` once more.
   */
  get(key: ChildKey, starter: ChildStarter): Promise<Child>
  /**
   * Ends the children of a selection. Resolves when nothing of them is left.
   *
   * `rotated`, `rejected` and `expired` let calls in flight finish within `drain`. `revoked` does so for `revocationDrain`, `offboarded` and `session_closed` not at
   * all. New calls get a new child at once.
   *
   * @param selection such as `{ issuer, subject }`. `notVersion` leaves out the children of the version that is current
   */
  end(reason: ClosingReason, selection: ChildSelection & { readonly notVersion?: string }): Promise<void>
  /** Keys of the children that calls may be given to, those that start included. */
  readonly keys: readonly ChildKey[]
  /** Children that are there, also those that start or end. */
  readonly size: number
  /** Resident memory of all children when it was measured last. 0 where there is no `/proc`. */
  readonly residentBytes: number
  /** Ends every child, and starts no other. */
  close(): Promise<void>
}

export interface PoolEvents {
  /** For `child.started` in the audit log. */
  started?(key: ChildKey, child: Child): void
  /** For `child.ended` in the audit log. */
  ended?(key: ChildKey, end: ChildEnd): void
}

/** Grace after a revocation: with the drain, everything has ended within a second. Milliseconds. */
const SHORT_GRACE = 300

/**
 * Opens a pool of children.
 *
 * @example
 * ```ts
 * const pool = createChildPool({ childrenPerOwner: 4 })
 * const child = await pool.get({ upstream, ...owner, account, version, configuration, session }, { options, initialise })
 * await child.send(message)
 * await pool.end('revoked', { ...owner, upstream })
 * ```
 */
export function createChildPool(options: PoolLimits = {}, events: PoolEvents = {}): ChildPool {
  const limits = checkLimits(options)
  const backoff = createCrashBackoff(limits)
  const entries = new Set<PoolEntry>()
  const byKey = new Map<string, PoolEntry>()
  const memory = watchMemory(entries, limits)
  let closed = false

  function open(key: ChildKey, starter: ChildStarter): PoolEntry {
    const name = keyText(key)
    const entry = openEntry(starter, key, limits, {
      started: (child) => events.started?.(key, child),
      ended(end, lived) {
        if (end.reason === 'crashed' || end.reason === 'start_deadline') backoff.crashed(crashKey(key), lived)
        events.ended?.(key, end)
      },
    })
    entries.add(entry)
    byKey.set(name, entry)
    void entry.gone.then(() => {
      entries.delete(entry)
      if (byKey.get(name) === entry) byKey.delete(name)
    })
    // Who asked for it is told by `started`.
    entry.started.catch(() => undefined)
    return entry
  }

  return {
    async get(key, starter) {
      if (closed) throw closedPool()
      const known = byKey.get(keyText(key))
      if (known?.isOpen) return known.started
      backoff.check(crashKey(key))
      checkRoom(entries, ownerKey(key), limits)
      return open(key, starter).started
    },

    async end(reason, { notVersion, ...selection }) {
      const drain = {
        rotated: limits.drain,
        rejected: limits.drain,
        expired: limits.drain,
        revoked: limits.revocationDrain,
        offboarded: 0,
        session_closed: 0,
      }[reason]
      const grace = reason === 'revoked' || reason === 'offboarded' ? SHORT_GRACE : undefined
      const chosen = [...entries].filter(({ key }) => isSelected(key, selection) && key.version !== notVersion)
      await Promise.all(chosen.map((entry) => entry.close(reason, drain, grace)))
    },

    get keys() {
      return [...entries].filter(({ isOpen }) => isOpen).map(({ key }) => key)
    },

    get size() {
      return entries.size
    },

    get residentBytes() {
      return memory.residentBytes()
    },

    async close() {
      closed = true
      memory.stop()
      await Promise.all([...entries].map((entry) => entry.close('proxy_closing', 0)))
    },
  }
}

/**
 * Throws if there is no room for one more. An owner's children that end do not count, or a rotation at the limit would fail the next call;
 * but at most as many may be ending. The machine's memory is still in use until they have ended.
 */
function checkRoom(entries: ReadonlySet<PoolEntry>, owner: string, limits: CheckedLimits): void {
  const all = [...entries]
  const own = all.filter(({ key }) => ownerKey(key) === owner)
  if (isFull(own, limits.childrenPerOwner) || sumOf(own.filter(({ isOpen }) => isOpen)) >= limits.bytesPerOwner) {
    throw full(
      'You have as many servers running as one user may. Close a client that you do not use, and try again.',
      'owner_full',
    )
  }
  if (isFull(all, limits.children) || sumOf(all) >= limits.bytes)
    throw full('The proxy runs as many servers as it may. Try again later.', 'overloaded')
}

function isFull(entries: readonly PoolEntry[], most: number): boolean {
  return entries.filter(({ isOpen }) => isOpen).length >= most || entries.length >= 2 * most
}

function full(message: string, reason: 'owner_full' | 'overloaded'): CredentialVaultError {
  return new CredentialVaultError('unavailable', message, { reason, retryable: true })
}

function closedPool(): CredentialVaultError {
  return new CredentialVaultError('unavailable', 'The proxy stops, so it starts no server.', { reason: 'closed' })
}
