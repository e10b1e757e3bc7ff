import { errors } from 'jose'
import { CredentialVaultError } from '../../core/model/errors.ts'

/** Why a signed token was refused. It is the `reason` of the error, stable for logs and tests. */
export type TokenProblem = keyof typeof TEXTS

/** Makes the caller's error for a problem: an access token is `token_invalid`, an ID token `login_failed`. */
export type Refuse = (problem: TokenProblem) => CredentialVaultError

const TEXTS = {
  malformed: 'The token is not a well-formed signed JWT.',
  too_long: 'The token is longer than 16 kB.',
  algorithm: 'The token is signed with an algorithm that this server does not accept.',
  type: 'This server does not accept this kind of token. Send an access token.',
  bound_token:
    "The token is bound to the client's key (DPoP or mutual TLS), which this server cannot check. Have the identity provider issue plain bearer tokens to this client.",
  signature: "The token's signature is not from the configured issuer.",
  key_unknown: "The token is signed with a key that is not in the configured issuer's key set.",
  issuer: 'The token is from a different issuer than the configured one.',
  audience:
    'The token was issued for another service. Ask the identity provider for one with this server as its resource.',
  expired: 'The token has expired. Sign in again.',
  expiry_missing: 'The token does not say when it expires.',
  inactive: 'The token has expired, was revoked, or is not one of the identity provider. Sign in again.',
  not_yet_valid: "The token is not valid yet. Check this server's clock.",
  subject_missing:
    'The token lacks the claim that names the user. Make the identity provider include it (Keycloak: add the client scope "basic"), or set subjectClaim.',
  subject_malformed: "The token's user claim is not a string of 1 to 255 ordinary characters.",
  machine_token: 'The token names a program, not a person. Credentials belong to people.',
} as const

/** Makes the error for an invalid access token. It never holds the token or a claim's value. */
export function accessTokenRefusal(problem: TokenProblem): CredentialVaultError {
  return new CredentialVaultError('token_invalid', TEXTS[problem], { reason: problem })
}

/**
 * Names the problem behind an error of jose. The error itself is dropped, because its `cause` holds the token's whole payload.
 */
export function problemOf(error: unknown): TokenProblem {
  if (error instanceof errors.JWTExpired) return 'expired'
  if (error instanceof errors.JWTClaimValidationFailed) return problemOfClaim(error.claim, error.reason)
  if (error instanceof errors.JOSEAlgNotAllowed) return 'algorithm'
  if (error instanceof errors.JWKSNoMatchingKey) return 'key_unknown'
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return 'malformed'
  if (error instanceof errors.JOSENotSupported) return 'malformed'
  return 'signature'
}

function problemOfClaim(claim: string, reason: string): TokenProblem {
  if (claim === 'aud') return 'audience'
  if (claim === 'iss') return 'issuer'
  if (claim === 'exp' && reason === 'missing') return 'expiry_missing'
  if (claim === 'nbf' && reason === 'check_failed') return 'not_yet_valid'
  return 'malformed'
}
