import type { RequestCause } from '../model/credential-state.ts'
import type { ErrorReason } from '../model/error-reason.ts'
import type { ErrorCode } from '../model/errors.ts'
import type { Owner } from '../model/owner.ts'
import type { KeyUse, ServerTier } from './store-keys.ts'

/** The position of a line: its writer, and its number in that writer's order, from 1. */
export interface AuditPosition {
  readonly writer: string
  readonly seq: number
}

export type AuditEventType =
  /** A tool needed a credential, or its owner asked for the form on their own page, and a link was made or reused. */
  | 'credential.requested'
  /** A value is about to be handed to a tool. */
  | 'credential.resolved'
  /** Values were read, not released: to keep those that are not replaced, or to see which fields are stored. */
  | 'credential.read'
  /** A tool asked for the value of a credential that is absent or revoked. */
  | 'credential.missing'
  /** A release was refused, or the backend did not answer. */
  | 'credential.denied'
  /** The service itself answered 401 or 403 to the value. */
  | 'credential.rejected_upstream'
  /** The service rejected this version: it is about to be put out of use. */
  | 'credential.rejected'
  /** The owner or an operator took a rejection back. */
  | 'credential.reinstated'
  /** The service could not be reached, or did not answer. */
  | 'credential.service_unreachable'
  /** A value is about to be written. */
  | 'credential.storing'
  | 'credential.stored'
  | 'credential.store_failed'
  /** The service accepted the value: the one typed, before it was saved, or the stored one, when its owner tested it. */
  | 'credential.verified'
  | 'credential.verification_failed'
  /** An operator replaced a value with our command line. */
  | 'credential.rotated'
  | 'credential.revoked'
  /** Revoked, and its mark removed as well. */
  | 'credential.purged'
  | 'credential.revoke_failed'
  /** A server's process is about to be started with the value. */
  | 'credential.injected'
  /** A tool result that contained the secret was withheld. */
  | 'credential.echoed'
  /** A tool result contained a secret of an owner other than the call's. */
  | 'credential.crossed'
  /** A server's process was started with a credential. */
  | 'child.started'
  /** It has ended, with everything that it had started. */
  | 'child.ended'
  /** An owner looked at the list of their own credentials. */
  | 'account.opened'
  | 'form.opened'
  | 'form.cancelled'
  /** The signed-in person is not the link's owner. */
  | 'form.identity_mismatch'
  | 'form.rejected'
  | 'login.succeeded'
  | 'login.failed'
  | 'login.ended'
  | 'token.rejected'
  /** A person agreed that an MCP client logs in through this server. */
  | 'client.approved'
  /** A login of an MCP client through this server, or its request for tokens, was refused or failed. */
  | 'client.refused'
  /** The identity provider is about to be asked for tokens for an MCP client. */
  | 'client.token_requested'
  | 'client.token_issued'
  /** `count` refusals of requests without a known user have no line of their own. */
  | 'refusals.counted'
  /** A stored record fails its integrity checks. */
  | 'record.tampered'
  /** An earlier state of the store was put back. */
  | 'store.rollback_detected'
  /** A dependency stopped working: the backend, the pending store or the identity provider, as `backend` says. */
  | 'backend.error'
  | 'backend.recovered'
  /** A new store was made with this key. */
  | 'key.created'
  /** All new records of the store are about to use a new key. */
  | 'key.rotated'
  /** An operator starts to rewrite the records under the newest key. */
  | 'key.resealing'
  /** `count` records were rewritten. */
  | 'key.resealed'
  /** The keys of the form tier are about to be given out. */
  | 'key.writer_exported'
  /** The keys of the tool tier, which open every record, are about to be given out. */
  | 'key.reader_exported'
  /** The store's keys are about to be locked with another store key. */
  | 'key.rewrapped'
  /** The earlier keys are about to be removed. */
  | 'key.retired'
  /** A change of the keys failed. */
  | 'key.change_failed'
  /** An operator listed the credentials that an exposed key opened. */
  | 'key.exposure_listed'
  | 'admin.listed'
  /** An operator ended everything of one owner; `count` credentials were revoked. */
  | 'admin.offboarded'
  /** An operator looked at one credential's state. */
  | 'admin.shown'
  /** `doctor` checked the set-up. */
  | 'admin.checked'
  /** The audit log was read with our command line. */
  | 'audit.read'
  /** `count` lines could neither be written nor queued. */
  | 'audit.gap'

/** The cause as one stable token: an error's reason, else its code, or a detail of an event that is no error. */
export type AuditReason = ErrorReason | ErrorCode | CredentialNoteReason | RequestReason | AuditCommand | ChildEndReason

/** Why a server's process was ended. */
type ChildEndReason =
  | 'crashed'
  | 'idle'
  | 'longest_life'
  | 'memory'
  | 'offboarded'
  | 'proxy_closing'
  | 'rejected'
  | 'revoked'
  | 'rotated'
  | 'session_closed'
  | 'start_deadline'

type CredentialNoteReason = RequestCause | 'credential_crossed' | 'nothing_to_revoke'

/** The reason for which the web server or the MCP endpoint refused a request, or a session ended. */
type RequestReason =
  | 'already_read'
  | 'client_code'
  | 'client_grant'
  | 'client_redirect_uri'
  | 'client_refresh_token'
  | 'client_remembered'
  | 'client_request'
  | 'client_unknown'
  | 'content_type'
  | 'csrf'
  | 'ended_by_operator'
  | 'host'
  | 'insufficient_scope'
  | 'invalid'
  | 'login_cookie'
  | 'login_used'
  | 'rate_limited'
  | 'sessions_ended'
  | 'signed_out_everywhere'
  | 'unknown_field'

/** The command that read the log. */
export type AuditCommand = 'export' | 'reconcile' | 'show' | 'tail' | 'verify'

export type AuditOutcome = 'success' | 'failure' | 'denied' | 'error'

/** All fields of an audit line. There is no field for a value, a token, a cookie, a link or free text from outside. */
export interface AuditEvent {
  readonly type: AuditEventType
  readonly outcome: AuditOutcome
  /** Stable token: an error code or reason. */
  readonly reason?: AuditReason | undefined
  /** The owner of the credential or session. */
  readonly owner?: Owner | undefined
  /**
   * The actor, if it was not the owner. An operator's `account` is the operating system's, or `scim`; `owner` is whom the operator's access
   * token names.
   */
  readonly actor?:
    | { readonly kind: 'user'; readonly owner: Owner }
    | { readonly kind: 'operator'; readonly account?: string; readonly owner?: Owner }
    | { readonly kind: 'anonymous' }
    | undefined
  readonly provider?: string | undefined
  /** Label of the stored version. */
  readonly version?: string | undefined
  /** Label of the version that it replaced. */
  readonly previousVersion?: string | undefined
  /** OAuth client that acted for the owner. */
  readonly clientId?: string | undefined
  /** As the MCP client calls itself; unverified. */
  readonly clientName?: string | undefined
  /** Tool that was called. */
  readonly tool?: string | undefined
  readonly backend?: string | undefined
  /** The backend's own ids of its requests, at most 8, which its own log contains too. */
  readonly backendRequestIds?: readonly string[] | undefined
  /** Origin of the service that was called. */
  readonly destination?: string | undefined
  /** HTTP status of its answer. */
  readonly status?: number | undefined
  /** First 8 hex digits of the link's storage key: joins the lines of one request. */
  readonly request?: string | undefined
  /** Address of the browser or client. */
  readonly address?: string | undefined
  /** Id of the process that was given the value. */
  readonly pid?: number | undefined
  /** The same in every line of one operation, and in the backend's own log if it accepts an id. */
  readonly correlationId: string
  /** Number of lines in a gap, of refusals in a `refusals.counted` line, or of records in a line about keys. */
  readonly count?: number | undefined
  /** RFC 3339. The time of the event, in a line that could not be written then. */
  readonly occurredAt?: string | undefined
  readonly late?: true | undefined
}

/**
 * Stores audit lines. `append` resolves only once the line is durable and rejects with `audit_unavailable` otherwise. A secret is released
 * or saved only after it has resolved.
 */
export interface AuditSink {
  /**
   * Called once before the first line, with a key derived from the backend's own key if it has one. The log calls `keyConfigured` with each
   * key that its configuration gives it, and lets its error through. `tier` is what this process serves; undefined for a command.
   */
  open?(key: Uint8Array | undefined, keyConfigured?: (use: KeyUse) => void, tier?: ServerTier): Promise<void>
  append(event: AuditEvent): Promise<AuditPosition>
  /**
   * Rejects with `audit_unavailable` if a line could probably not be written now. It writes none, and is called every few seconds at most.
   * Absent where only a line can tell.
   */
  check?(): Promise<void>
  close(): Promise<void>
}
