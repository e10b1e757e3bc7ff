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
