import type { StorageKey } from '../model/storage-key.ts'
import type { StoredVersion } from '../ports/secret-backend.ts'

/** Which version of each credential its service has refused. Losing a mark costs one more refused request, after which it is there again. */
export interface RejectionMarks {
  has(key: StorageKey, version: StoredVersion): boolean
  /** Another version than the one that is marked is not touched by it. */
  mark(key: StorageKey, version: StoredVersion): void
  unmark(key: StorageKey, version: StoredVersion): void
}

const MAX_MARKS = 100_000

/** Marks in this process. The oldest go first when there are more than 100,000. */
export function createRejectionMarks(): RejectionMarks {
  const marks = new Map<string, string>()
  return {
    has: (key, version) => marks.get(key.path) === version.ref,
    mark(key, version) {
      marks.delete(key.path)
      const [oldest] = marks.keys()
      if (marks.size >= MAX_MARKS && oldest !== undefined) marks.delete(oldest)
      marks.set(key.path, version.ref)
    },
    unmark(key, version) {
      if (marks.get(key.path) === version.ref) marks.delete(key.path)
    },
  }
}
