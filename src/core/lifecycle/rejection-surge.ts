import { ownerKey } from '../model/owner.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { StoredVersion } from '../ports/secret-backend.ts'

/** One refused version, as it is counted. */
export interface CountedRejection {
  readonly key: StorageKey
  readonly version: StoredVersion
  /** Whether the version was put out of use because of it. */
  marked: boolean
}

/** Tells a dead token of one user from a service or gateway that refuses everybody. */
export interface RejectionSurge {
  /**
   * Counts a rejection at an origin. Returns undefined while few owners are rejected there; once there are more than the allowed number
   * within a minute, the rejections of that minute, so that what they marked can be taken back.
   */
  count(origin: string, rejection: CountedRejection): readonly CountedRejection[] | undefined
}

const MINUTE = 60_000
const MAX_ORIGINS = 1_000
/** Most rejections that are kept for one origin. Beyond the allowed owners, what comes later marks nothing. */
const MAX_KEPT = 10_000

interface Seen {
  readonly rejection: CountedRejection
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
      if (seen.size < MAX_KEPT || seen.has(rejection.key.path)) seen.set(rejection.key.path, { rejection, at: now })
      // Owners, not credentials: one person with many dead tokens behind one gateway is no outage.
      const owners = new Set([...seen.values()].map((one) => ownerKey(one.rejection.key.owner)))
      return owners.size > maxOwners ? [...seen.values()].map((one) => one.rejection) : undefined
    },
  }
}
