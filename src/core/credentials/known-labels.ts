import type { StorageKey } from '../model/storage-key.ts'
import type { CredentialStatus, StoredVersion, VersionLabels, VersionRef } from '../ports/secret-backend.ts'

/**
 * The labels that the last look at each credential found. Some backends tell labels by `stat` only, and a gate asks for the status before
 * each read that is not cached, so the cached values need no second request for them.
 */
export interface KnownLabels {
  of(key: StorageKey, version: StoredVersion): VersionLabels | undefined
  keep(key: StorageKey, found: Extract<CredentialStatus, { status: 'active' }>): void
  forget(key: StorageKey): void
}

/** @param maxEntries the oldest are forgotten above this number */
export function createKnownLabels(maxEntries: number): KnownLabels {
  const known = new Map<string, { readonly ref: VersionRef; readonly labels: VersionLabels }>()
  return {
    of(key, { ref }) {
      const found = known.get(key.path)
      return found?.ref === ref ? found.labels : undefined
    },
    keep(key, { version, labels }) {
      known.delete(key.path)
      if (!labels) return
      const [oldest] = known.keys()
      if (known.size >= maxEntries && oldest !== undefined) known.delete(oldest)
      known.set(key.path, { ref: version.ref, labels })
    },
    forget: (key) => void known.delete(key.path),
  }
}
