import type { BackendCalls } from '../credentials/backend-calls.ts'
import type { CallTrace } from '../credentials/call-trace.ts'
import { BoundedMap } from '../host/bounded-map.ts'
import { reasonOf } from '../journal/refusal-event.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { MarkableBackend, StoredVersion } from '../ports/secret-backend.ts'

/**
 * The marks of versions that their service has rejected. The backend stores them; if it cannot, this process keeps them. A lost mark costs
 * one more rejected request, which sets it again.
 */
export interface RejectionMarks {
  /** When this version was marked, if only this process has the mark. */
  at(key: StorageKey, version: StoredVersion): Date | undefined
  /** Marks the version, or removes its mark. Resolves to false if another version is the newest, which is then not touched. */
  set(key: StorageKey, version: StoredVersion, at: Date | undefined, trace: CallTrace): Promise<boolean>
}

export interface RejectionMarksParts {
  readonly backend: MarkableBackend
  readonly calls: BackendCalls
  readonly warn: (message: string) => void
}

const MAX_MARKS = 100_000

/** The oldest marks of the process are dropped when there are more than 100,000. */
export function createRejectionMarks({ backend, calls, warn }: RejectionMarksParts): RejectionMarks {
  const here = new BoundedMap<string, { readonly ref: string; readonly at: Date }>(MAX_MARKS)

  return {
    at(key, { ref }) {
      const mark = here.get(key.path)
      return mark?.ref === ref ? mark.at : undefined
    },

    async set(key, version, at, trace) {
      if (here.get(key.path)?.ref === version.ref) here.delete(key.path)
      try {
        const marked = await calls.change(trace, async (call) => backend.markRejected?.(key, version, at, call))
        if (marked !== undefined) return marked
      } catch (error) {
        if (at === undefined) throw error
        warn(
          `${backend.name} did not store the mark of a rejected credential (${reasonOf(error)}), so only this process knows of it. mcp-credential-vault doctor says which right is missing.`,
        )
      }
      if (at) here.set(key.path, { ref: version.ref, at })
      return true
    },
  }
}
