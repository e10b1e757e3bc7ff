import type { StorageKey } from '../model/storage-key.ts'

/** Changes the keys of a store that seals its records itself. Servers may keep running meanwhile. */
export interface StoreKeys {
  /** Makes a new key for all new records. Old records stay as they are, and can be read. */
  rotate(signal: AbortSignal): Promise<RotatedKeys>
  /**
   * Rewrites every record under the newest key. The sealed file keeps the versions; a vendor's store makes a new one, with the same labels.
   * It can be interrupted and run again. A concurrent save is never lost.
   */
  reseal(options: ResealRequest, signal: AbortSignal): Promise<ResealReport>
  /**
   * Locks the store's keys with another store key, which opens the store from then on.
   *
   * @param key 32 bytes
   */
  rewrap(key: Uint8Array, signal: AbortSignal): Promise<RewrappedKeys>
  /** Removes every key but the newest. Throws `conflict` while a record needs an old key, or a server may still use one. */
  retire(options: DryRun, signal: AbortSignal): Promise<RetiredKeys>
  /** The keys of one tier, for a process that must not have those of the other. */
  exportBundle(tier: BundleTier, signal: AbortSignal): Promise<ExportedBundle>
  /** The credentials that an exposed key could have opened. Damaged records are counted, and cannot be named. */
  exposed(options: ExposureQuery, signal: AbortSignal): Promise<Exposure>
}

export interface DryRun {
  /** Changes nothing, and reports what would change. */
  readonly dryRun: boolean
}

export interface RotatedKeys {
  /** Id of the new key, 8 hex digits. */
  readonly key: string
  readonly previous: string
}

/** The form tier saves and cannot read; the tool tier reads and cannot save. */
export type BundleTier = 'form' | 'tool'

export interface ExportedBundle {
  /** One line of text, as secret as a key. */
  readonly text: string
  /** Id of the store's newest key, 8 hex digits, which the bundle contains. */
  readonly key: string
}

export interface ResealRequest extends DryRun {
  readonly onProgress: (progress: ResealProgress) => void
}

export interface ResealProgress {
  readonly done: number
  readonly total: number
}

export interface ResealReport {
  readonly total: number
  readonly resealed: number
  /** Already under the newest key. */
  readonly upToDate: number
  /** Revoked, so that nothing is left that a key opens. The sealed file counts only those that were revoked on a full disk. */
  readonly emptied: number
  /** Records that fail their checks and were left as they are. */
  readonly damaged: readonly string[]
  /** Records under a key that is not configured, which were left as they are. */
  readonly unknownKey?: readonly string[]
  /** Records that were stored without a seal and were left as they are. */
  readonly notSealed?: readonly string[]
}

export interface RewrappedKeys {
  /** Id of the new store key. */
  readonly storeKey: string
  readonly previous: string
}

export interface RetiredKeys {
  readonly key: string
  /** Ids of the keys that were removed. */
  readonly retired: readonly string[]
}

export interface ExposureQuery {
  /** Id of the exposed key. Without it, the store key and thus every key is exposed. */
  readonly key?: string | undefined
}

/** `current`: the stored value. `earlier`: only a value that it replaced, or that was revoked, which may still work at its service. */
export interface ExposedCredential {
  readonly key: StorageKey
  readonly status: 'active' | 'revoked'
  /** Label of the newest version. */
  readonly version: string
  readonly since: Date
  readonly exposure: 'current' | 'earlier'
}

export interface Exposure {
  readonly credentials: readonly ExposedCredential[]
  /** Records that no longer name their owner: purged, or revoked on a full disk. */
  readonly nameless: number
  readonly damaged: readonly string[]
}

/** What a server serves: `all` is both tiers in one process. */
export type ServerTier = 'all' | BundleTier

/** One use of a key that an operator configured. It reveals nothing about the key. */
export interface KeyUse {
  /** The variable of the current key for this use, e.g. `MCP_WEB_KEY`. */
  readonly variable: string
  /** Where this key was found, for messages, e.g. `MCP_WEB_KEY_ACCEPTED`. */
  readonly source: string
  /** The same for the same key. */
  readonly digest: string
}
