import type { StorageKey } from '../model/storage-key.ts'
import type { StoredVersion } from '../ports/secret-backend.ts'

/** One refused version, as it is counted. */
export interface CountedRejection {
  readonly key: StorageKey
  readonly version: StoredVersion
}

/** Tells a dead token of one user from a service or gateway that refuses everybody. */
export interface RejectionSurge {
  /**
   * Counts a rejection at an origin. Resolves undefined while they are few; once more than the allowed owners were rejected there within a
   * minute, the rejections of that minute, so that what they marked can be taken back.
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
  const origins = new Map<string, Map<string, Seen>>()

  function recentAt(origin: string, now: number): Map<string, Seen> {
    const seen = origins.get(origin) ?? new Map<string, Seen>()
    for (const [path, { at }] of seen) if (now - at >= MINUTE) seen.delete(path)
    origins.delete(origin)
    const [oldest] = origins.keys()
    if (origins.size >= MAX_ORIGINS && oldest !== undefined) origins.delete(oldest)
    origins.set(origin, seen)
    return seen
  }

  return {
    count(origin, rejection) {
      const now = performance.now()
      const seen = recentAt(origin, now)
      seen.delete(rejection.key.path)
      // One more than allowed is enough to know, so no more are kept.
      const [oldest] = seen.keys()
      if (seen.size > maxOwners && oldest !== undefined) seen.delete(oldest)
      seen.set(rejection.key.path, { ...rejection, at: now })
      return seen.size > maxOwners ? [...seen.values()] : undefined
    },
  }
}
