import type { StorageKey } from '../../core/model/storage-key.ts'
import type { SecretBackend } from '../../core/ports/secret-backend.ts'

/** What operators do in the vendor's own tools, with an administrator's rights and behind the library's back. */
export interface VendorOperator {
  /** Stores these fields as the newest version, as `vault kv put` or the console does. */
  put(key: StorageKey, fields: Readonly<Record<string, unknown>>): Promise<void>
  /** Stores a text that is no object of fields, where the vendor's tool allows it. */
  putText?(key: StorageKey, text: string): Promise<void>
  /** What the vendor's documentation calls deleting, in its recoverable form. */
  remove(key: StorageKey): Promise<void>
  /** Takes {@link VendorOperator.remove} back. */
  restore(key: StorageKey): Promise<void>
  /** Makes the newest version unreadable for good and leaves what the vendor keeps of it. */
  destroy(key: StorageKey): Promise<void>
  /** Makes the version before the newest one the newest again. */
  rollBack(key: StorageKey): Promise<void>
  /** Removes every trace. */
  purge(key: StorageKey): Promise<void>
}

/**
 * `down`: nobody listens. `hanging`: connects, never answers. `dripping`: answers a byte at a time, without end. `reset`: the connection
 * ends in the middle of an answer. `lost`: the request is carried out, its answer never arrives. `html`: status 200 and a page, as a
 * captive portal has. `failing`: status 500. `throttled`, `denied`, `sealed`: the vendor's own answers.
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

/** Two connections to the same credentials, as two processes have them. */
export interface SecretBackendHarness {
  readonly here: SecretBackend
  /** The same object as `here` for a backend inside one process. */
  readonly there: SecretBackend
  /** A connection made after everything before it was acknowledged, as after a restart. Absent when nothing outlives the process. */
  readonly reconnect?: () => Promise<SecretBackend>
  /** Absent where there is no other way to the credentials than this library. */
  readonly vendor?: VendorOperator
  /** Lets every request of `here` meet this fault from now on, until called with `none`. Absent where no network is between. */
  readonly fault?: (fault: Fault | 'none') => Promise<void>
  /** Closes every connection and removes what was stored. */
  close(): Promise<void>
}
