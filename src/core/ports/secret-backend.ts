import type { ErrorReason } from '../model/error-reason.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { CredentialValues } from '../model/variables.ts'
import type { AuditPosition } from './audit-sink.ts'
import type { KeyUse, StoreKeys } from './store-keys.ts'
import type { TraceContext } from './telemetry.ts'

declare const versionBrand: unique symbol

/** Names one stored version. Compare for equality only; a purged and re-created credential never has an earlier one's reference. */
export type VersionRef = string & { readonly [versionBrand]: true }

export interface StoredVersion {
  readonly ref: VersionRef
  /** For people, e.g. `3`. */
  readonly label: string
  readonly createdAt: Date
}

/**
 * Facts about one version besides its values. A backend binds labels to their version and drops them for any other. Whoever may write
 * labels can forge them, so they only decide whether an owner is asked or told: nothing is released, saved or revoked because of one.
 */
export interface VersionLabels {
  /** When the service rejected this version. */
  readonly rejectedAt?: Date | undefined
  /** When the values stop working at the service. */
  readonly expiresAt?: Date | undefined
  /** The account at the service, as the service named it. At most 100 characters. */
  readonly accountName?: string | undefined
  /** Whether the values were saved although the service could not be asked. */
  readonly unverified?: boolean | undefined
}

/** Absent and revoked are results. Forbidden and unavailable are errors, so that an outage never reads as "not connected". */
export type CredentialStatus =
  | { readonly status: 'absent' }
  | { readonly status: 'revoked'; readonly version: StoredVersion }
  | {
      readonly status: 'active'
      readonly version: StoredVersion
      /** Field names of this version, if the backend stores them. */
      readonly fields?: readonly string[]
      readonly labels?: VersionLabels
      /** Why `read` will refuse these values, if `stat` can tell without reading them. It changes nothing but what people are told. */
      readonly refused?: ErrorReason
    }

export type CredentialLookup =
  | Exclude<CredentialStatus, { status: 'active' }>
  | {
      readonly status: 'active'
      readonly version: StoredVersion
      readonly values: Readonly<Record<string, unknown>>
      /** Those that the read itself returns. `stat` may know more. */
      readonly labels?: VersionLabels
    }

/** `any` replaces whatever is there; `absent` also succeeds over a revoked credential. */
export type Expectation = 'any' | 'absent' | { readonly version: VersionRef }

export interface WriteIntent {
  readonly expect: Expectation
  /** The durable audit line that announced this write, kept with the record. Undefined if the earlier record, which is rewritten, had none. */
  readonly audit: AuditPosition | undefined
  /** Same for every attempt of one logical write. */
  readonly operationId: string
  /** Kept with the version. If they cannot be written, the values still are. */
  readonly labels?: Omit<VersionLabels, 'rejectedAt'> | undefined
  /**
   * What `stat` has just returned, if `expect` follows from it. A backend whose compare-and-set refuses everything that was stored since
   * may go by it, once, instead of looking itself.
   */
  readonly found?: CredentialStatus | undefined
  /** Field names for the status of this version, if the stored values hide them. Default: the names in the values. */
  readonly fields?: readonly string[] | undefined
}

export interface RevokeIntent {
  readonly expect: Expectation
  /** Same for every attempt of one logical revocation. */
  readonly operationId: string
  /** Remove the mark as well, so that the credential reads as absent afterwards. */
  readonly purge: boolean
}

/** One operation, made by core. */
export interface BackendCall {
  /** Carries the total deadline. */
  readonly signal: AbortSignal
  /** Joins our audit line with the backend's own log. */
  readonly correlationId: string
  /** Called with the vendor's id of each request, for the audit line. */
  readonly noteRequest?: (requestId: string) => void
  /**
   * Called by a save with the status that it found before writing. A repeated attempt has to find the same. Called again with the version
   * that it replaced if it looks again afterwards, because a rejection may be marked or undone between the look and the write.
   */
  readonly noteBase?: (status: CredentialStatus) => void
  /** Called by a save as soon as the values are durable, if work such as labels is left. The save may still reject. */
  readonly noteWritten?: () => void
  /** The user's own JWT, for a backend that lets each user's calls log in as that user. */
  readonly assertion?: (() => Promise<string>) | undefined
  /** Where the call belongs in a trace: a `Context` of `@opentelemetry/api`, for spans of the backend's own. */
  readonly trace?: TraceContext | undefined
}

/**
 * `form`: saves and revokes, and never reads a value. `tool`: reads, and writes nothing but labels such as the mark of a rejection. `both`:
 * one login does everything.
 */
export type Tier = 'form' | 'tool' | 'both'

/** Differences between a login's rights and what its tier needs, in the vendor's own words. */
export interface RightsReport {
  readonly missing: readonly string[]
  readonly excess: readonly string[]
}

/** One of a backend's logins, as a backend that uses it for everything. */
export interface BackendPrincipal {
  readonly tier: Tier
  readonly backend: SecretBackend
}

/** Events that a backend reports while it opens, for the audit log. */
export interface OpeningEvents {
  /** A new store was created and sealed with the key of this id: 8 hex digits that reveal nothing about the key. */
  keyCreated?(keyId: string): void
  /** A key was configured, for this use. Throws `configuration_invalid` (`same_key`) if another use has the same: let it through. */
  keyConfigured?(use: KeyUse): void
}

export interface StoredCredential {
  readonly key: StorageKey
  readonly status: CredentialStatus
  /** The audit line that announced its last write, if the record contains it. */
  readonly audit?: AuditPosition
}

/** The vendor's own command that stores a new value by hand. */
export interface RotateCommand {
  /** To copy into a shell. It reads the values from standard input, so that no history keeps them. */
  readonly command: string
  /** The input to type, with `…` for each value, and Ctrl-D after it. */
  readonly input: string
}

/** Another process that serves the same address from the same store. */
export interface OtherServer {
  /** When it started. Undefined if it does not say. */
  readonly startedAt: Date | undefined
}

/**
 * Stores credentials. A backend is a function that returns an object of this shape.
 *
 * Every method throws `CredentialVaultError` only: `unavailable`, `forbidden`, `unauthenticated`, `conflict`, `outcome_unknown`,
 * `configuration_invalid`, or one of the key and record errors. No error contains a value, a vendor's message or a vendor's error as its
 * cause. Values are never logged. A write is one atomic step that is durable when it resolves. When it rejects, the earlier value is still
 * there, except after `outcome_unknown`.
 */
export interface SecretBackend {
  /** For messages and the audit log, e.g. `sealed-file`. */
  readonly name: string
  /** Checks keys and reachability. Called once, before anything else. */
  open(events?: OpeningEvents): Promise<void>
  read(key: StorageKey, call: BackendCall): Promise<CredentialLookup>
  /** Like `read`, without reading the values. */
  stat(key: StorageKey, call: BackendCall): Promise<CredentialStatus>
  /**
   * Whether this is still the newest version, found without reading it, in microseconds. With this method, a value changed with the
   * vendor's own tool takes effect at once; otherwise after the cache's TTL.
   */
  isCurrent?(key: StorageKey, version: StoredVersion): boolean
  /** Compare-and-set. `conflict` when `expect` does not hold. */
  write(key: StorageKey, values: CredentialValues, intent: WriteIntent, call: BackendCall): Promise<StoredVersion>
  /** Returns the field names of the newest version without reading values. Undefined if the backend or its policy does not reveal them. */
  fieldNames?(key: StorageKey, call: BackendCall): Promise<readonly string[] | undefined>
  /** Makes every stored version unreadable. Resolves false when there was nothing to revoke. */
  revoke(key: StorageKey, intent: RevokeIntent, call: BackendCall): Promise<boolean>
  /**
   * Marks this version as rejected by its service, or removes that mark if `rejectedAt` is undefined. The values stay as they are. Resolves
   * to false if another version is the newest. Absent where marks cannot be stored; core then keeps them in the process.
   */
  markRejected?(
    key: StorageKey,
    version: StoredVersion,
    rejectedAt: Date | undefined,
    call: BackendCall,
  ): Promise<boolean>
  /** All credentials, revoked ones too, without values, in no particular order. */
  list(call: BackendCall): AsyncIterable<StoredCredential>
  /** Returns where an operator finds this credential in the backend's own tools. */
  locate(key: StorageKey): string
  /** Returns the vendor's own command that stores a new value of this credential. A person fills in the values. */
  rotateCommand?(key: StorageKey, fields: readonly string[]): RotateCommand
  /** The stored versions, newest first, without values. Absent where none but the newest is kept. */
  history?(key: StorageKey, call: BackendCall): Promise<readonly StoredVersion[]>
  /** The logins that this backend was given, for `doctor`. Absent where there are none. */
  principals?(): readonly BackendPrincipal[]
  /** Compares the rights of the backend's login on this credential with what `tier` needs, without changing anything. */
  rights?(key: StorageKey, tier: Tier, call: BackendCall): Promise<RightsReport>
  /**
   * Derives 32 bytes one-way from the backend's own key. A process without a web key of its own seals cookies and links with them. Absent
   * if the backend has no key.
   */
  deriveKey?(purpose: string): Uint8Array
  /** The store's own keys. Absent where a vendor keeps them. */
  readonly storeKeys?: StoreKeys
  /**
   * Rejects with a key's error if this process cannot save with the store's newest key, as after a change of keys that did not reach it.
   * Absent where a vendor keeps the keys.
   */
  checkKeys?(): Promise<void>
  /** Rewrites records under the newest key, for a backend that seals values with keys from its configuration. */
  readonly resealing?: Pick<StoreKeys, 'reseal'>
  /**
   * Shows other processes, until `close()`, that a server at this address uses the store. Resolves to true when another server at this
   * address shows the same, and to false when there is none or it cannot be told. Never rejects. Absent where the store cannot show it.
   *
   * @param noticed called with each other server at this address, now and later
   */
  announceServer?(serverBaseUrl: string, noticed?: (other: OtherServer) => void): Promise<boolean>
  /** The servers at this address that show it, for `doctor`. Absent where the store cannot show it. */
  announcedServers?(serverBaseUrl: string): Promise<readonly OtherServer[]>
  close(): Promise<void>
}

/** The methods of a backend that read values. */
export type ReadableBackend = Pick<SecretBackend, 'name' | 'read' | 'stat' | 'isCurrent'>

/** The methods of a backend that store values. `read` lets a save recognise its own values after the backend's answer was lost. */
export type WritableBackend = Pick<SecretBackend, 'name' | 'write' | 'revoke' | 'stat'> &
  Partial<Pick<SecretBackend, 'read'>>

/** The method of a backend that stores the mark of a rejection, which readers and writers set and remove. */
export type MarkableBackend = Pick<SecretBackend, 'name' | 'markRejected'>
