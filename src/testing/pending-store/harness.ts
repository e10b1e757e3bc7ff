import type { PendingStore } from '../../core/ports/pending-store.ts'

/** Two connections to the same data, like those of two replicas. For a store inside one process both are the same object. */
export interface PendingStoreHarness {
  readonly here: PendingStore
  readonly there: PendingStore
  /** Shuts down everything that `create` started. */
  close(): Promise<void>
}
