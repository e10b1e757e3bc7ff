import { BoundedMap } from '../host/bounded-map.ts'
import { ownerKey } from '../model/owner.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { StoredVersion } from '../ports/secret-backend.ts'

/** One rejected version, as it is counted. */
export interface CountedRejection {
  readonly key: StorageKey
  readonly version: StoredVersion
  /** Whether the version was put out of use because of it. */
  marked: boolean
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
/** Most rejections of one origin that are counted. By then nothing is marked any more, so the oldest can be dropped. */
const MAX_COUNTED = 10_000

interface Seen {
  readonly rejection: CountedRejection
  readonly at: number
}

/** @param maxOwners how many owners may be rejected at one origin within a minute */
export function createRejectionSurge(maxOwners: number): RejectionSurge {
  const origins = new BoundedMap<string, BoundedMap<string, Seen>>(MAX_ORIGINS)

  function recentAt(origin: string, now: number): BoundedMap<string, Seen> {
    const seen = origins.get(origin) ?? new BoundedMap<string, Seen>(MAX_COUNTED)
    for (const [path, { at }] of seen) if (now - at >= MINUTE) seen.delete(path)
    origins.set(origin, seen)
    return seen
  }

  return {
    count(origin, rejection) {
      const now = performance.now()
      const seen = recentAt(origin, now)
      seen.set(rejection.key.path, { rejection, at: now })
      const counted = [...seen.values()].map((one) => one.rejection)
      // Owners, not credentials: one person with many dead tokens behind one gateway is no outage.
      const owners = new Set(counted.map(({ key }) => ownerKey(key.owner)))
      return owners.size > maxOwners ? counted : undefined
    },
  }
}
