/**
 * Narrows an error's code: stable tokens, for logs, tests and programs. `docs/troubleshooting.md` says what to do about each. Code outside
 * this package, such as a backend of your own, gives reasons that begin with `x_`.
 */
export type ErrorReason =
  | OptionReason
  | FileReason
  | KeyReason
  | RecordReason
  | DependencyReason
  | ServiceReason
  | DestinationReason
  | OwnerReason
  | IdentityProviderReason
  | TokenReason
  | LoginReason
  | CallReason
  | `x_${string}`

/** An option, variable, command or package is wrong. */
export type OptionReason =
  | 'option'
  | 'server_base_url'
  | 'provider_name'
  | 'provider_name_taken'
  | 'port'
  | 'host'
  | 'local_user_host'
  | 'not_loopback'
  | 'identity_missing'
  | 'identity_list'
  | 'identities_differ'
  | 'issuer_names'
  | 'issuer_twice'
  | 'introspection_twice'
  | 'tls_unverified'
  | 'package_missing'
  | 'sdk_missing'
  | 'sdk_copies'
  | 'module'
  | 'self_test'
  | 'not_open'
  | 'not_ready'
  | 'field_unknown'
  | 'credential_too_large'
  | 'too_large'

/** A file or folder is wrong. */
type FileReason =
  | 'file'
  | 'folder_not_a_directory'
  | 'folder_replaced'
  | 'folder_writable'
  | 'no_hard_links'
  | 'no_store'
  | 'store_gone'
  | 'disk_full'
  | 'read_only'
  | 'io'
  | 'permission'
  | 'no_audit_log'
  | 'anchors_file'
  | 'backend_log_file'
  | 'cloudtrail_file'

type KeyReason =
  | 'key_file'
  | 'key_file_unreadable'
  | 'key_file_mode'
  | 'key_text'
  | 'keyring'
  | 'keyring_missing'
  | 'no_key'
  | 'store_without_key'
  | 'two_keys'
  | 'same_key'
  | 'web_key_missing'
  | 'audit_key_missing'

/** What is wrong with one stored record. */
export type RecordReason =
  | 'truncated'
  | 'format'
  | 'not_a_file'
  | 'unknown_writer'
  | 'signature'
  | 'store'
  | 'swapped'
  | 'revision'
  | 'unknown_seal_key'
  | 'seal'
  | 'spliced'
  | 'numbering'
  | 'rolled_back'
  | 'deleted'
  | 'unknown_name'
  | 'not_json'

/** A backend, audit log or pending store did not do what it was asked. */
export type DependencyReason =
  | 'aborted'
  | 'answer'
  | 'answer_too_large'
  | 'assertion'
  | 'already_unwrapped'
  | 'circuit_open'
  | 'claim_lapsed'
  | 'clock'
  | 'closed'
  | 'connection'
  | 'contended'
  | 'disk_full'
  | 'exists'
  | 'kms'
  | 'kv_version'
  | 'login'
  | 'login_timeout'
  | 'event'
  | 'mount'
  | 'no_read_login'
  | 'no_write_login'
  | 'not_initialised'
  | 'not_vault'
  | 'outcome_unknown'
  | 'overloaded'
  | 'owner_full'
  | 'plain_http'
  | 'policy'
  | 'quota'
  | 'redirect'
  | 'refused'
  | 'region'
  | 'replica_behind'
  | 'role'
  | 'sealed'
  | 'secret_file'
  | 'server_error'
  | `status_${number}`
  | 'standby'
  | 'still_being_removed'
  | 'store_full'
  | 'throttled'
  | 'timeout'
  | 'tls'
  | 'token_ended'
  | 'version'
  | 'warming_up'
  | 'wrapping'
  | 'write_failed'

/** The service that a credential is for was not reached. */
export type ServiceReason =
  `service_${'dns' | 'refused' | 'unreachable' | 'tls' | 'plain_http' | 'timeout' | 'broken_off' | 'not_http' | 'unknown' | 'busy'}`

/** A bound `fetch()` was not sent, or not sent on. */
export type DestinationReason =
  | 'address'
  | 'header'
  | 'not_a_url'
  | 'origin'
  | 'redirect'
  | 'request'
  | 'userinfo'
  | 'field_missing'
  | 'header_value'
  | 'colon'

type OwnerReason =
  | `${'issuer' | 'subject'}_${'missing' | 'too_long' | 'malformed'}`
  | 'auth_info_without_owner'
  | 'two_users'
  | 'other_owner'

/** Why the identity provider could not be asked, or gave no usable answer. */
export type IssuerFailure =
  | 'answer'
  | 'answered'
  | 'client_refused'
  | 'connection'
  | 'dns'
  | 'document_too_long'
  | 'introspection_missing'
  | 'keys_invalid'
  | 'keys_missing'
  | 'misconfigured'
  | 'plain_http'
  | 'status'
  | 'timeout'
  | 'tls'

export type IdentityProviderReason =
  | `issuer_${IssuerFailure}`
  | 'metadata_missing'
  | 'metadata_invalid'
  | 'issuer_mismatch'
  | 'introspection_missing'

/** Why an access token is not good. */
export type TokenReason =
  | 'access_token'
  | 'access_token_not_configured'
  | 'malformed'
  | 'too_long'
  | 'algorithm'
  | 'type'
  | 'bound_token'
  | 'signature'
  | 'key_unknown'
  | 'issuer'
  | 'audience'
  | 'expired'
  | 'expiry_missing'
  | 'inactive'
  | 'not_yet_valid'
  | 'subject_missing'
  | 'subject_malformed'
  | 'machine_token'

/** Why a browser login was refused. */
export type LoginReason =
  | 'no_login'
  | 'malformed'
  | 'transaction'
  | 'too_late'
  | 'state'
  | 'issuer'
  | 'denied'
  | 'replayed_code'
  | 'nonce'
  | 'authentication_too_old'
  | 'authentication_too_weak'
  | 'provider_error'
  | 'client_refused'
  | 'authentication_time_missing'
  | 'id_token_missing'
  | 'id_token_malformed'
  | 'id_token_issuer'
  | 'audience'
  | 'algorithm'
  | 'signature'
  | 'key_unknown'
  | 'expired'
  | 'expiry_missing'
  | 'not_yet_valid'
  | 'subject_missing'
  | 'subject_malformed'
  | 'id_token'

type CallReason = 'call_unknown' | 'session_ended' | 'signed_out' | 'unexpected'
