import type { Owner } from './owner.ts'

/** Where a line stands: which writer wrote it, and its number in that writer's order, from 1. */
export interface AuditPosition {
  readonly writer: string
  readonly seq: number
}

export type AuditEventType =
  /** A tool needed a credential that is missing or revoked, and a link was made or reused. */
  | 'credential.requested'
  /** A value is about to be handed to a tool. */
  | 'credential.resolved'
  /** A release was refused. */
  | 'credential.denied'
  /** A value is about to be written. */
  | 'credential.storing'
  | 'credential.stored'
  | 'credential.store_failed'
  | 'credential.revoked'
  | 'credential.revoke_failed'
  /** A tool result that contained the secret was withheld. */
  | 'credential.echoed'
  | 'form.opened'
  | 'form.cancelled'
  /** The signed-in person is not the one whose link it is. */
  | 'form.identity_mismatch'
  | 'form.rejected'
  | 'login.succeeded'
  | 'login.failed'
  | 'login.ended'
  | 'token.rejected'
  | 'admin.listed'
  /** `doctor` tried whether everything is as it should be. */
  | 'admin.checked'

export type AuditOutcome = 'success' | 'failure' | 'denied' | 'error'

/** Everything that an audit line may say. There is no field for a value, a token, a cookie, a link or free text from outside. */
export interface AuditEvent {
  readonly type: AuditEventType
  readonly outcome: AuditOutcome
  /** Stable token: an error code or reason. */
  readonly reason?: string | undefined
  /** Whose credential or session it is. */
  readonly owner?: Owner | undefined
  /** Who acted, when it was not the owner. An operator's `account` is the operating system's. */
  readonly actor?:
    | { readonly kind: 'user'; readonly owner: Owner }
    | { readonly kind: 'operator'; readonly account?: string }
    | { readonly kind: 'anonymous' }
    | undefined
  readonly provider?: string | undefined
  /** Label of the stored version. */
  readonly version?: string | undefined
  /** OAuth client that acted for the owner. */
  readonly clientId?: string | undefined
  /** Tool that was called. */
  readonly tool?: string | undefined
  readonly backend?: string | undefined
  /** The backend's own ids of the requests that it took, at most 8: they stand in its own log too. */
  readonly backendRequestIds?: readonly string[] | undefined
  /** First 8 hex digits of the link's storage key: joins the lines of one request. */
  readonly request?: string | undefined
  /** Address of the browser or client. */
  readonly address?: string | undefined
  readonly correlationId: string
}

/**
 * Where audit lines go. `append` resolves only once the line is durable and rejects with `audit_unavailable` otherwise; whoever
 * releases or saves a secret waits for it.
 */
export interface AuditSink {
  append(event: AuditEvent): Promise<AuditPosition>
  close(): Promise<void>
}
