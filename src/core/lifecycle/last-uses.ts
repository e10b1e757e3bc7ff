import type { StorageKey } from '../model/storage-key.ts'

/** When each credential was last released in this process. It forgets everything at its end, and knows nothing of other replicas. */
export interface LastUses {
  note(key: StorageKey): void
  /** Undefined if it was not released since the process started, or so long ago that it is forgotten. */
  of(key: StorageKey): Date | undefined
}

const MAX_USES = 100_000

/** The oldest are forgotten above 100,000. */
export function createLastUses(): LastUses {
  const uses = new Map<string, number>()
  return {
    note({ path }) {
      uses.delete(path)
      const [oldest] = uses.keys()
      if (uses.size >= MAX_USES && oldest !== undefined) uses.delete(oldest)
      uses.set(path, Date.now())
    },
    of({ path }) {
      const at = uses.get(path)
      return at === undefined ? undefined : new Date(at)
    },
  }
}
