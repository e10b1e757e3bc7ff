import type { Owner } from '../model/owner.ts'

/** An event of one owner's credential in this process. It never holds a value, a token or a link. */
export interface CredentialEvent {
  readonly owner: Owner
  readonly provider: string
  /** Label of the version that it is about, if there is one. */
  readonly version?: string | undefined
  /** Joins the event with its audit line. */
  readonly correlationId: string
}

export interface ExpiringEvent extends CredentialEvent {
  readonly expiresAt: Date
}

/** Something that an offboarding could not end. Offboarding the same owner again finishes it. */
export interface NotEnded {
  /** `caches`: other replicas were perhaps not told, and may use values that they have cached until their `cacheSeconds` are over. */
  readonly what: 'browser_sessions' | 'pending_requests' | 'credential' | 'credential_list' | 'caches'
  readonly provider?: string
  /** Code of the failure. */
  readonly error: string
}

/** An owner was offboarded in this process. It never holds a value, a token or a link. */
export interface OffboardedEvent {
  readonly owner: Owner
  /** How many credentials this offboarding revoked or purged. */
  readonly revoked: number
  /** What could not be ended. Empty if everything was. */
  readonly left: readonly NotEnded[]
  /** Joins the event with its audit lines. */
  readonly correlationId: string
}

/** By name: what a listener gets. */
export interface VaultEventMap {
  /** A credential was saved on the form, or by an import. */
  readonly saved: CredentialEvent
  /** An operator's command of this process replaced a value. */
  readonly rotated: CredentialEvent
  /** The service rejected a version, which is out of use now. */
  readonly rejected: CredentialEvent
  /** The owner or an operator took a rejection back. */
  readonly reinstated: CredentialEvent
  /** The owner was told that the credential ends soon: at most once a day. */
  readonly expiring: ExpiringEvent
  /** Revoked or purged through this library. */
  readonly revoked: CredentialEvent
  /** An owner was offboarded through the admin API, SCIM or `vault.offboard`, even if something of theirs is left. */
  readonly offboarded: OffboardedEvent
}

export type VaultEventName = keyof VaultEventMap

/** Tells code that embeds the vault what happens in this process. The audit log is the record; an event may be lost with the process. */
export interface VaultEvents {
  /**
   * Calls `listener` after the audit line is written. Nothing waits for it, and its errors only reach the vault's `warn`.
   *
   * @returns a function that removes the listener
   * @example
   * ```ts
   * vault.events.on('rejected', ({ owner, provider }) => notify(owner.subject, provider))
   * ```
   */
  on<Name extends VaultEventName>(name: Name, listener: (event: VaultEventMap[Name]) => unknown): () => void
}
