import { BoundedMap } from '../host/bounded-map.ts'
import { ownerKey } from '../model/owner.ts'
import { type StorageKey, serviceOf } from '../model/storage-key.ts'
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
   * Counts a rejection at an origin, or of unknown origin, as a handler reports it. One of unknown origin may have been at any origin of its
   * provider, so it counts at each. Returns undefined while at most the allowed number of owners were rejected at one origin within a minute,
   * and above it the rejections of that minute, so that their marks can be removed.
   *
   * Call it for one provider, and for one origin, at a time.
   */
  count(origin: string | undefined, rejection: CountedRejection): readonly CountedRejection[] | undefined
}

/** Milliseconds. How long a rejection counts. */
const COUNTED_FOR = 60_000
const MAX_PLACES = 1_000
/** Most rejections of one place that are counted. By then nothing is marked any more, so the oldest can be dropped. */
const MAX_COUNTED = 10_000

interface Seen {
  readonly rejection: CountedRejection
  readonly at: number
}

/** @param maxOwners how many owners may be rejected at one origin within a minute */
export function createRejectionSurge(maxOwners: number): RejectionSurge {
  /** By origin, or by the provider's name for unknown origins. The two cannot collide: an origin contains a colon. */
  const places = new BoundedMap<string, BoundedMap<string, Seen>>(MAX_PLACES)
  const originsOf = new BoundedMap<string, Set<string>>(MAX_PLACES)

  function recentAt(place: string, now: number): readonly CountedRejection[] {
    const seen = places.get(place)
    if (!seen) return []
    for (const [path, { at }] of seen) if (now - at >= COUNTED_FOR) seen.delete(path)
    if (seen.size === 0) places.delete(place)
    return [...seen.values()].map(({ rejection }) => rejection)
  }

  function add(place: string, rejection: CountedRejection, at: number): void {
    const seen = places.get(place) ?? new BoundedMap<string, Seen>(MAX_COUNTED)
    seen.set(rejection.key.path, { rejection, at })
    places.set(place, seen)
  }

  /** Returns the provider's recent rejections, one list for each of its origins. */
  function perOrigin(provider: string, now: number): readonly (readonly CountedRejection[])[] {
    const origins = originsOf.get(provider) ?? new Set()
    return [...origins].map((origin) => {
      const recent = recentAt(origin, now).filter(({ key }) => serviceOf(key.provider) === provider)
      if (recent.length === 0) origins.delete(origin)
      return recent
    })
  }

  return {
    count(origin, rejection) {
      const now = performance.now()
      const provider = serviceOf(rejection.key.provider)
      add(origin ?? provider, rejection, now)
      if (origin !== undefined) originsOf.set(provider, (originsOf.get(provider) ?? new Set()).add(origin))
      const unplaced = recentAt(provider, now)
      const atOrigins = origin === undefined ? perOrigin(provider, now) : [recentAt(origin, now)]
      const crowds = [unplaced, ...atOrigins.map((one) => [...unplaced, ...one])].filter(
        (crowd) => ownersOf(crowd) > maxOwners,
      )
      return crowds.length === 0 ? undefined : [...new Set(crowds.flat())]
    },
  }
}

/** Owners, not credentials: one person with many dead tokens behind one gateway is no outage. */
function ownersOf(counted: readonly CountedRejection[]): number {
  return new Set(counted.map(({ key }) => ownerKey(key.owner))).size
}
