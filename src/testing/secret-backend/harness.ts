import type { StorageKey } from '../../core/model/storage-key.ts'
import type { SecretBackend } from '../../core/ports/secret-backend.ts'

/** Changes that operators make with the vendor's own tools and an administrator's rights, unknown to the library. */
export interface VendorOperator {
  /** Stores these fields as the newest version, like `vault kv put` or the console. */
  put(key: StorageKey, fields: Readonly<Record<string, unknown>>): Promise<void>
  /** Stores a text that is no object of fields. Absent if the vendor's tool does not allow it. */
  putText?(key: StorageKey, text: string): Promise<void>
  /** Deletes recoverably, as the vendor's documentation calls it. */
  remove(key: StorageKey): Promise<void>
  /** Reverts {@link VendorOperator.remove}. */
  restore(key: StorageKey): Promise<void>
  /** Makes the newest version unreadable for good. The vendor may keep its metadata. */
  destroy(key: StorageKey): Promise<void>
  /** Makes the previous version the newest again. */
  rollBack(key: StorageKey): Promise<void>
  /** Removes every trace. */
  purge(key: StorageKey): Promise<void>
}

/**
 * `down`: no server listens. `hanging`: connects, never answers. `dripping`: answers a byte at a time, without end. `reset`: the connection
 * ends in the middle of an answer. `lost`: the request is carried out, its answer never arrives. `html`: status 200 and a page, like a
 * captive portal. `failing`: status 500. `throttled`, `denied`, `sealed`: the vendor's own answers.
 */
export type Fault =
  | 'down'
  | 'hanging'
  | 'dripping'
  | 'reset'
  | 'lost'
  | 'html'
  | 'failing'
  | 'throttled'
  | 'denied'
  | 'sealed'

/** Two connections to the same credentials, like those of two processes. */
export interface SecretBackendHarness {
  readonly here: SecretBackend
  /** The same object as `here` for a backend inside one process. */
  readonly there: SecretBackend
  /** Makes a connection after all earlier changes were acknowledged, as after a restart. Absent when no data outlive the process. */
  readonly reconnect?: () => Promise<SecretBackend>
  /** Absent when only this library can reach the credentials. */
  readonly vendor?: VendorOperator
  /** Injects this fault into every request of `here`, until called with `none`. Absent for a backend without a network. */
  readonly fault?: (fault: Fault | 'none') => Promise<void>
  /**
   * Runs this once: when the next save or revocation has looked at what is stored and is about to change it. Absent where both are one step,
   * or the harness cannot come between.
   */
  readonly beforeChange?: (run: () => Promise<unknown>) => void
  /** Closes every connection and removes the stored data. */
  close(): Promise<void>
}
