import type { StorageKey } from '../model/storage-key.ts'
import type { CredentialLookup, ReadableBackend } from '../ports/secret-backend.ts'

export interface CredentialCacheOptions {
  /** How long a value is believed, in milliseconds; each entry takes between half of it and all of it. 0 keeps nothing. */
  readonly ttl: number
  readonly maxEntries: number
}

/**
 * Credentials, for a short time, so that a burst of calls does not read each of them anew. Absent and revoked are kept for two seconds at
 * most, and not at all where the backend tells of changes by itself; failures are never kept, and nothing outlives its time because the
 * backend is away.
 */
export interface CredentialCache {
  /** What is known and still holds. */
  find(key: StorageKey): CredentialLookup | undefined
  /** Reads through `load`; calls for the same credential at the same time share one read. */
  read(key: StorageKey, load: () => Promise<CredentialLookup>): Promise<CredentialLookup>
  /** Forgets what was read more than two seconds ago, for a caller who has reason to think that it has changed. */
  refresh(key: StorageKey): void
  /** Forgets the credential, and lets no read that has begun bring it back. */
  forget(key: StorageKey): void
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

/** Milliseconds. A call looks more than once, and busy users call often: the backend is asked for changes so often at most. */
const CHECK_HOLDS = 10

export function createCredentialCache(
  backend: Pick<ReadableBackend, 'isCurrent'>,
  { ttl, maxEntries }: CredentialCacheOptions,
): CredentialCache {
  const entries = new Map<string, Entry>()
  const reading = new Map<string, { readonly found: Promise<CredentialLookup>; readonly since: number }>()

  let sweeper: NodeJS.Timeout | undefined

  // Nobody may ever ask for an entry again, and it holds a secret.
  function sweep(): void {
    const now = performance.now()
    for (const [path, { until }] of entries) if (now >= until) entries.delete(path)
    if (entries.size === 0) stopSweeping()
  }

  function stopSweeping(): void {
    clearInterval(sweeper)
    sweeper = undefined
  }

  /** @param readAt when the read began: what it found may be as old */
  function keep(path: string, found: CredentialLookup, readAt: number): void {
    const longest = found.status === 'active' ? ttl : backend.isCurrent ? 0 : Math.min(ttl, NEGATIVE_TTL)
    if (longest === 0) return
    const [oldest] = entries.keys()
    if (entries.size >= maxEntries && oldest !== undefined) entries.delete(oldest)
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
      // The read that follows says what is wrong, with its error translated.
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
      if (found) return found
      const running = reading.get(key.path)
      if (running) return running.found
      const started = { found: load(), since: performance.now() }
      reading.set(key.path, started)
      try {
        const loaded = await started.found
        // Forgotten meanwhile: what was read may be from before the change.
        if (reading.get(key.path) === started) keep(key.path, loaded, started.since)
        return loaded
      } finally {
        if (reading.get(key.path) === started) reading.delete(key.path)
      }
    },

    refresh(key) {
      const since = entries.get(key.path)?.readAt ?? reading.get(key.path)?.since
      if (since !== undefined && performance.now() - since > FRESH) cache.forget(key)
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
