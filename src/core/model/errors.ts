import { type ErrorReason, isErrorReason } from './error-reason.ts'

/**
 * Every error that the library throws on purpose is a {@link CredentialVaultError}. Act on `code`, never on `message`.
 *
 * `message` says what is wrong and what to do next; it may be shown to users and operators and never holds a secret, an input
 * value or a foreign error's text. `reason` narrows the code to one stable token for logs and tests.
 */
export type ErrorCode =
  /** An option, environment variable or file is wrong. Nothing was started or changed. */
  | 'configuration_invalid'
  /** The verified token or browser session does not say whose call this is. */
  | 'owner_unknown'
  /** The owner has never saved this credential, or it was purged. */
  | 'credential_absent'
  /** The credential was revoked and has to be entered again. */
  | 'credential_revoked'
  /** The service rejected the stored value, and its owner has to enter another one. */
  | 'credential_rejected'
  /** The credential's known end has passed, and its owner has to enter another one. */
  | 'credential_expired'
  /** The credential lacks a field that the provider requires by now. */
  | 'credential_incomplete'
  /** A stored value exists but is not what the provider's variables describe. */
  | 'credential_malformed'
  /** The reference is tampered with, expired, or made for another owner or provider. */
  | 'reference_invalid'
  /** A credential handle was used after its tool call had ended, or outside a gated handler. */
  | 'call_ended'
  /** The tool's result, error or progress message contained the secret and was withheld. */
  | 'secret_echoed'
  /** `fetch()` was asked for a destination that the provider does not declare. */
  | 'destination_refused'
  /** The pending store holds its maximum of open requests. */
  | 'pending_store_full'
  /** Another writer changed the credential in between. */
  | 'conflict'
  /** The backend refused our principal. */
  | 'forbidden'
  /** The backend did not accept this server's own login. */
  | 'unauthenticated'
  /** A write was sent and its answer never came: either the old or the new value is stored. */
  | 'outcome_unknown'
  /** The backend, identity provider or another dependency cannot be reached or did not answer in time. */
  | 'unavailable'
  /** The audit log cannot be written, so nothing was released or saved. */
  | 'audit_unavailable'
  /** The key does not open this store. Nothing was changed or deleted. */
  | 'key_wrong'
  /** A store with records was opened without its key or keyring. Nothing was changed or deleted. */
  | 'key_missing'
  /** The key file may be read by other users of the machine. */
  | 'key_exposed'
  /** The key text is not a key: wrong prefix, length, character or checksum. */
  | 'key_malformed'
  /** A stored record fails its integrity checks; `reason` says which. Nothing was changed or deleted. */
  | 'record_tampered'
  /** A stored record is older than one already seen: an earlier file was put back. */
  | 'record_replayed'
  /** The access token is missing, malformed, expired, for another audience or not signed by the issuer. */
  | 'token_invalid'
  /** The browser login failed or was not finished by the browser that began it. */
  | 'login_failed'
  /** The operation does not exist here. */
  | 'unsupported'

const CODES = {
  configuration_invalid: true,
  owner_unknown: true,
  credential_absent: true,
  credential_revoked: true,
  credential_rejected: true,
  credential_expired: true,
  credential_incomplete: true,
  credential_malformed: true,
  reference_invalid: true,
  call_ended: true,
  secret_echoed: true,
  destination_refused: true,
  pending_store_full: true,
  conflict: true,
  forbidden: true,
  unauthenticated: true,
  outcome_unknown: true,
  unavailable: true,
  audit_unavailable: true,
  key_wrong: true,
  key_missing: true,
  key_exposed: true,
  key_malformed: true,
  record_tampered: true,
  record_replayed: true,
  token_invalid: true,
  login_failed: true,
  unsupported: true,
} as const satisfies Readonly<Record<ErrorCode, true>>

/** What narrows an error's code. */
export interface ErrorDetails {
  /** Stable token that narrows `code`, e.g. `signature`. Never input. */
  readonly reason?: ErrorReason | undefined
  /** True when the same call may succeed later without anything being changed. Default false. */
  readonly retryable?: boolean
  /** Seconds after which the dependency asked to be tried again. */
  readonly retryAfterSeconds?: number
  /** Name of the provider whose credential it is about. */
  readonly provider?: string
}

/**
 * The only error that the library throws on purpose. As JSON it is name, code, reason and message, without a stack.
 *
 * @example
 * ```ts
 * import { CredentialVaultError } from 'mcp-credential-vault'
 *
 * // A backend of your own reports an outage so that callers may try again.
 * throw new CredentialVaultError('unavailable', 'The store did not answer.', { retryable: true })
 * ```
 */
export class CredentialVaultError extends Error {
  override readonly name = 'CredentialVaultError'
  readonly code: ErrorCode
  readonly reason: ErrorReason | undefined
  readonly retryable: boolean
  readonly retryAfterSeconds: number | undefined
  readonly provider: string | undefined

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message)
    // A backend in plain JavaScript may give anything, and a code is logged and shown.
    this.code = Object.hasOwn(CODES, code) ? code : 'unavailable'
    this.reason = isErrorReason(details.reason) ? details.reason : undefined
    this.retryable = details.retryable ?? false
    this.retryAfterSeconds = details.retryAfterSeconds
    this.provider = details.provider
  }

  toJSON(): { name: string; code: ErrorCode; reason: ErrorReason | undefined; message: string } {
    return { name: this.name, code: this.code, reason: this.reason, message: this.message }
  }
}

/**
 * Narrows an unknown error to a {@link CredentialVaultError}, with one of the given codes when any are named.
 *
 * @example
 * ```ts
 * import { isCredentialVaultError } from 'mcp-credential-vault'
 *
 * try {
 *   await jira.getCredentials(extra).fetch('/rest/api/2/myself')
 * } catch (error) {
 *   if (!isCredentialVaultError(error, 'unavailable')) throw error
 *   console.error(`Try again later: ${error.message}`)
 * }
 * ```
 */
export function isCredentialVaultError(error: unknown, ...codes: ErrorCode[]): error is CredentialVaultError {
  return error instanceof CredentialVaultError && (codes.length === 0 || codes.includes(error.code))
}

/** The same error, which now says whose credential it is about. */
export function namingProvider(error: CredentialVaultError, provider: string): CredentialVaultError {
  const { code, message, reason, retryable, retryAfterSeconds } = error
  return new CredentialVaultError(code, message, {
    provider,
    retryable,
    ...(reason === undefined ? {} : { reason }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  })
}
