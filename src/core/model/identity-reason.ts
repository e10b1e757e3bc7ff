export const OWNER_REASONS = [
  'issuer_missing',
  'issuer_too_long',
  'issuer_malformed',
  'subject_missing',
  'subject_too_long',
  'subject_malformed',
  'auth_info_without_owner',
  'two_users',
  'other_owner',
] as const

/** Why an access token is not good. */
export const TOKEN_REASONS = [
  'access_token',
  'access_token_not_configured',
  'malformed',
  'too_long',
  'algorithm',
  'type',
  'bound_token',
  'signature',
  'key_unknown',
  'issuer',
  'audience',
  'expired',
  'expiry_missing',
  'inactive',
  'not_yet_valid',
  'subject_missing',
  'subject_malformed',
  'machine_token',
] as const

/** Why a browser login was refused. */
export const LOGIN_REASONS = [
  'no_login',
  'malformed',
  'transaction',
  'too_late',
  'state',
  'issuer',
  'denied',
  'replayed_code',
  'nonce',
  'authentication_too_old',
  'authentication_too_weak',
  'provider_error',
  'client_refused',
  'authentication_time_missing',
  'id_token_missing',
  'id_token_malformed',
  'id_token_issuer',
  'audience',
  'algorithm',
  'signature',
  'key_unknown',
  'expired',
  'expiry_missing',
  'not_yet_valid',
  'subject_missing',
  'subject_malformed',
  'id_token',
] as const

export const METADATA_REASONS = [
  'metadata_missing',
  'metadata_invalid',
  'issuer_mismatch',
  'introspection_missing',
] as const

/** Why the identity provider could not be asked, or gave no usable answer. */
export const ISSUER_FAILURES = [
  'answer',
  'answered',
  'client_refused',
  'connection',
  'dns',
  'document_too_long',
  'introspection_missing',
  'keys_invalid',
  'keys_missing',
  'misconfigured',
  'plain_http',
  'status',
  'timeout',
  'tls',
] as const
