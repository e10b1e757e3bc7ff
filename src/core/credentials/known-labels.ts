import { BoundedMap } from '../host/bounded-map.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { CredentialStatus, StoredVersion, VersionLabels, VersionRef } from '../ports/secret-backend.ts'

/**
 * The labels of each credential, as its last status had them. Some backends return labels by `stat` only, and a gate asks for the status
 * before each read that is not cached, so cached values need no second request for their labels.
 */
export interface KnownLabels {
  /** Undefined if the last status had no labels, or was of another version. */
  of(key: StorageKey, version: StoredVersion): VersionLabels | undefined
  keep(key: StorageKey, found: CredentialStatus): void
  forget(key: Pick<StorageKey, 'path'>): void
  clear(): void
}

/** @param maxEntries above this number the oldest are dropped */
export function createKnownLabels(maxEntries: number): KnownLabels {
  const known = new BoundedMap<string, { readonly ref: VersionRef; readonly labels: VersionLabels }>(maxEntries)
  return {
    of(key, { ref }) {
      const found = known.get(key.path)
      return found?.ref === ref ? found.labels : undefined
    },
    keep(key, found) {
      if (found.status === 'active' && found.labels)
        known.set(key.path, { ref: found.version.ref, labels: found.labels })
      else known.delete(key.path)
    },
    forget: (key) => void known.delete(key.path),
    clear: () => known.clear(),
  }
}
