import { BoundedMap } from '../host/bounded-map.ts'
import type { StorageKey } from '../model/storage-key.ts'

/** When this process last released each credential. It does not know the releases of other replicas, nor those before its start. */
export interface LastUses {
  note(key: StorageKey): void
  /** Undefined if this process has not released it, or 100,000 others since. */
  of(key: StorageKey): Date | undefined
}

const MAX_USES = 100_000

export function createLastUses(): LastUses {
  const uses = new BoundedMap<string, number>(MAX_USES)
  return {
    note: ({ path }) => void uses.set(path, Date.now()),
    of({ path }) {
      const at = uses.get(path)
      return at === undefined ? undefined : new Date(at)
    },
  }
}
