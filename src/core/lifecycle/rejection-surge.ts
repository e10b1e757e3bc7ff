import { BoundedMap } from '../host/bounded-map.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { StoredVersion } from '../ports/secret-backend.ts'

/** A rejected version, as it is counted. */
export interface CountedRejection {
  readonly key: StorageKey
  readonly version: StoredVersion
}

/** Distinguishes the dead token of one user from a service or gateway that rejects everybody. */
export interface RejectionSurge {
  /**
   * Counts a rejection at an origin. Returns undefined while at most the allowed number of owners were rejected there within a minute, and
   * above it the rejections of that minute, so that their marks can be removed.
   */
  count(origin: string, rejection: CountedRejection): readonly CountedRejection[] | undefined
}

const MINUTE = 60_000
const MAX_ORIGINS = 1_000

interface Seen extends CountedRejection {
  readonly at: number
}

/** @param maxOwners how many owners may be rejected at one origin within a minute */
export function createRejectionSurge(maxOwners: number): RejectionSurge {
  const origins = new BoundedMap<string, Map<string, Seen>>(MAX_ORIGINS)

  function recentAt(origin: string, now: number): Map<string, Seen> {
    // One more than allowed is enough to know, so no more are kept.
    const seen = origins.get(origin) ?? new BoundedMap<string, Seen>(maxOwners + 1)
    for (const [path, { at }] of seen) if (now - at >= MINUTE) seen.delete(path)
    origins.set(origin, seen)
    return seen
  }

  return {
    count(origin, rejection) {
      const now = performance.now()
      const seen = recentAt(origin, now)
      seen.set(rejection.key.path, { ...rejection, at: now })
      return seen.size > maxOwners ? [...seen.values()] : undefined
    },
  }
}
