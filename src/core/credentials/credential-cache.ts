import { BoundedMap } from '../host/bounded-map.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { CredentialLookup, ReadableBackend } from '../ports/secret-backend.ts'

/** How long a credential is cached without asking the backend again. */
export const DEFAULT_CACHE_SECONDS = 30

export interface CredentialCacheOptions {
  /** How long a value is cached, in milliseconds. Each entry lasts between half of it and all of it. 0 caches nothing. */
  readonly ttl: number
  readonly maxEntries: number
  /** Called for each read, with whether it was answered from the cache. It must not throw. */
  readonly lookedUp?: ((found: boolean) => void) | undefined
}

/**
 * Caches credentials for a short time, so that a burst of calls does not read each of them again. The answers "absent" and "revoked" are
 * cached for two seconds at most, and not at all if the backend reports changes itself. Failures are never cached, and no entry is kept
 * longer because the backend is down.
 */
export interface CredentialCache {
  /** Returns the entry that is still valid. */
  find(key: StorageKey): CredentialLookup | undefined
  /** Reads through `load`; calls for the same credential at the same time share one read. */
  read(key: StorageKey, load: () => Promise<CredentialLookup>): Promise<CredentialLookup>
  /** Forgets an entry older than two seconds, or read before `since`, for a caller that expects a change. */
  refresh(key: StorageKey, since?: number): void
  /** Forgets the credential. A read that is already running does not bring it back. */
  forget(key: Pick<StorageKey, 'path'>): void
  clear(): void
}

interface Entry {
  readonly found: CredentialLookup
  readonly readAt: number
  readonly until: number
  checkedAt: number
}

/** Milliseconds. */
const NEGATIVE_TTL = 2_000
const FRESH = 2_000

/** Milliseconds between two questions to the backend whether a version is current. Busy users' calls would ask far more often. */
const CHECK_HOLDS = 10

export function createCredentialCache(
  backend: Pick<ReadableBackend, 'isCurrent'>,
  { ttl, maxEntries, lookedUp }: CredentialCacheOptions,
): CredentialCache {
  const entries = new BoundedMap<string, Entry>(maxEntries)
  const reading = new Map<string, { readonly found: Promise<CredentialLookup>; readonly since: number }>()

  let sweeper: NodeJS.Timeout | undefined

  // An entry holds a secret, and may never be asked for again.
  function sweep(): void {
    const now = performance.now()
    for (const [path, { until }] of entries) if (now >= until) entries.delete(path)
    if (entries.size === 0) stopSweeping()
  }

  function stopSweeping(): void {
    clearInterval(sweeper)
    sweeper = undefined
  }

  /** @param readAt when the read began, which is how old its result may be */
  function keep(path: string, found: CredentialLookup, readAt: number): void {
    const longest = found.status === 'active' ? ttl : backend.isCurrent ? 0 : Math.min(ttl, NEGATIVE_TTL)
    if (longest === 0) return
    // Jitter, so that entries made together do not all end together.
    const now = performance.now()
    entries.set(path, { found, readAt, until: now + longest * (0.5 + Math.random() / 2), checkedAt: now })
    sweeper ??= setInterval(sweep, Math.max(ttl / 2, 50)).unref()
  }

  function isCurrent(key: StorageKey, entry: Entry, now: number): boolean {
    if (!backend.isCurrent || entry.found.status !== 'active' || now - entry.checkedAt < CHECK_HOLDS) return true
    entry.checkedAt = now
    try {
      return backend.isCurrent(key, entry.found.version)
    } catch {
      // The read that follows reports the error, translated.
      return false
    }
  }

  const cache: CredentialCache = {
    find(key) {
      const entry = entries.get(key.path)
      if (!entry) return undefined
      const now = performance.now()
      if (now < entry.until && isCurrent(key, entry, now)) return entry.found
      entries.delete(key.path)
      return undefined
    },

    async read(key, load) {
      const found = cache.find(key)
      lookedUp?.(found !== undefined)
      if (found) return found
      const running = reading.get(key.path)
      if (running) return running.found
      const started = { found: load(), since: performance.now() }
      reading.set(key.path, started)
      try {
        const loaded = await started.found
        // After forget(), the result may be from before the change.
        if (reading.get(key.path) === started) keep(key.path, loaded, started.since)
        return loaded
      } finally {
        if (reading.get(key.path) === started) reading.delete(key.path)
      }
    },

    refresh(key, since = performance.now() - FRESH) {
      const readAt = entries.get(key.path)?.readAt ?? reading.get(key.path)?.since
      if (readAt !== undefined && readAt < since) cache.forget(key)
    },

    forget(key) {
      entries.delete(key.path)
      reading.delete(key.path)
    },

    clear() {
      stopSweeping()
      entries.clear()
      reading.clear()
    },
  }
  return cache
}
