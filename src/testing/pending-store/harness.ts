import type { PendingStore } from '../../core/ports/pending-store.ts'

/** Two connections to the same data, as two replicas have them. For a store inside one process both are the same object. */
export interface PendingStoreHarness {
  readonly here: PendingStore
  readonly there: PendingStore
  /** Shuts down what `create` started. */
  close(): Promise<void>
}
