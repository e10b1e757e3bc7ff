import { ISSUER_FAILURES, LOGIN_REASONS, METADATA_REASONS, OWNER_REASONS, TOKEN_REASONS } from './identity-reason.ts'

/**
 * Narrows an error's code: stable tokens, for logs, tests and programs. `docs/troubleshooting.md` says what to do about each. Code outside
 * this package, such as a backend of your own, gives reasons that begin with `x_`, followed by at most 60 lower-case letters, digits and `_`.
 */
export type ErrorReason =
  | (typeof FIXED_REASONS)[number]
  | IssuerReason
  | ServiceReason
  | `redis_${(typeof REDIS_FAILURES)[number]}`
  | `status_${number}`
  | `x_${string}`

/** An option, variable, command or package is wrong. */
const OPTION_REASONS = [
  'option',
  'server_base_url',
  'account_unclear',
  'account_unknown',
  'completion_extra',
  'provider_name',
  'provider_name_taken',
  'port',
  'host',
  'local_user_host',
  'not_loopback',
  'identity_missing',
  'identity_list',
  'identities_differ',
  'issuer_names',
  'issuer_twice',
  'introspection_twice',
  'client_login_twice',
  'tls_unverified',
  'package_missing',
  'sdk_missing',
  'sdk_copies',
  'request_state',
  'module',
  'self_test',
  'not_open',
  'not_ready',
  'field_unknown',
  'credential_too_large',
  'too_large',
] as const

/** A file or folder is wrong. */
const FILE_REASONS = [
  'file',
  'folder_not_a_directory',
  'folder_replaced',
  'folder_writable',
  'no_hard_links',
  'no_store',
  'store_gone',
  'disk_full',
  'read_only',
  'io',
  'permission',
  'no_audit_log',
  'anchors_file',
  'backend_log_file',
  'cloudtrail_file',
] as const

const KEY_REASONS = [
  'key_file',
  'key_file_unreadable',
  'key_file_mode',
  'key_text',
  'keyring',
  'keyring_missing',
  'keyring_busy',
  'key_in_use',
  'key_retired',
  'key_too_new',
  'no_key',
  'store_without_key',
  'two_keys',
  'same_key',
  'accepted_keys',
  'web_key_missing',
  'audit_key_missing',
  'other_tiers_log',
  'envelope_missing',
  'bundle_outdated',
  'bundle_store',
  'bundle_tier',
  'tier_keys',
] as const

/** What is wrong with one stored record. */
const RECORD_REASONS = [
  'truncated',
  'format',
  'not_a_file',
  'unknown_writer',
  'signature',
  'store',
  'swapped',
  'revision',
  'unknown_seal_key',
  'seal',
  'spliced',
  'numbering',
  'rolled_back',
  'deleted',
  'unknown_name',
  'not_sealed',
  'not_json',
] as const

/** A backend, audit log or pending store did not do what it was asked. */
const DEPENDENCY_REASONS = [
  'aborted',
  'answer',
  'answer_too_large',
  'assertion',
  'already_unwrapped',
  'circuit_open',
  'claim_lapsed',
  'clock',
  'closed',
  'connection',
  'contended',
  'disk_full',
  'exists',
  'kms',
  'kv_version',
  'login',
  'login_timeout',
  'event',
  'mount',
  'no_read_login',
  'no_write_login',
  'not_initialised',
  'not_vault',
  'other_tier',
  'outcome_unknown',
  'overloaded',
  'owner_full',
  'plain_http',
  'policy',
  'quota',
  'redirect',
  'refused',
  'region',
  'replica_behind',
  'role',
  'sealed',
  'secret_file',
  'server_error',
  'standby',
  'still_being_removed',
  'store_full',
  'throttled',
  'timeout',
  'tls',
  'token_ended',
  'version',
  'warming_up',
  'wrapping',
  'write_failed',
] as const

/** A bound `fetch()` was not sent, or not sent on. */
const DESTINATION_REASONS = [
  'address',
  'header',
  'not_a_url',
  'origin',
  'redirect',
  'request',
  'userinfo',
  'field_missing',
  'header_value',
  'colon',
] as const

/** A child of the proxy could not be started, or may not be. */
const CHILD_REASONS = [
  'check_failed',
  'child_cgroup',
  'child_command',
  'child_crashed',
  'child_deadline',
  'child_secret_argument',
  'child_start',
] as const

const CALL_REASONS = ['call_unknown', 'session_ended', 'signed_out', 'unexpected'] as const
const REDIS_FAILURES = [
  'away',
  'behind',
  'dns',
  'eviction',
  'full',
  'login',
  'plaintext',
  'refused',
  'rights',
  'timeout',
  'tls',
  'unfit',
] as const

/** Why the service that a credential is for was not reached. */
const SERVICE_FAILURES = [
  'dns',
  'refused',
  'unreachable',
  'tls',
  'plain_http',
  'timeout',
  'broken_off',
  'not_http',
  'unknown',
  'busy',
  'refuses_everybody',
] as const

const FIXED_REASONS = [
  ...OPTION_REASONS,
  ...FILE_REASONS,
  ...KEY_REASONS,
  ...RECORD_REASONS,
  ...DEPENDENCY_REASONS,
  ...DESTINATION_REASONS,
  ...OWNER_REASONS,
  ...TOKEN_REASONS,
  ...LOGIN_REASONS,
  ...METADATA_REASONS,
  ...CALL_REASONS,
  ...CHILD_REASONS,
] as const

export type OptionReason = (typeof OPTION_REASONS)[number]
export type RecordReason = (typeof RECORD_REASONS)[number]
export type DependencyReason = (typeof DEPENDENCY_REASONS)[number] | `status_${number}`
export type DestinationReason = (typeof DESTINATION_REASONS)[number]
export type IssuerFailure = (typeof ISSUER_FAILURES)[number]
export type IssuerReason = `issuer_${IssuerFailure}`
export type IdentityProviderReason = IssuerReason | (typeof METADATA_REASONS)[number]
export type ServiceReason = `service_${(typeof SERVICE_FAILURES)[number]}`

const KNOWN: ReadonlySet<unknown> = new Set([
  ...FIXED_REASONS,
  ...ISSUER_FAILURES.map((failure) => `issuer_${failure}`),
  ...SERVICE_FAILURES.map((failure) => `service_${failure}`),
  ...REDIS_FAILURES.map((failure) => `redis_${failure}`),
])

const OF_SHARED_STORE: ReadonlySet<unknown> = new Set(REDIS_FAILURES.map((failure) => `redis_${failure}`))

/** Whether the reason is about the store that replicas share, and not about the store of the credentials. */
export function isSharedStoreReason(reason: ErrorReason | undefined): boolean {
  return OF_SHARED_STORE.has(reason)
}

/** Whether it may be logged and shown. Code in plain JavaScript, which no compiler checks, may have put anything there. */
export function isErrorReason(reason: unknown): reason is ErrorReason {
  return KNOWN.has(reason) || (typeof reason === 'string' && /^(?:status_\d{3}|x_[a-z0-9_]{1,60})$/.test(reason))
}
