import { CredentialVaultError } from '../../core/model/errors.ts'
import type { TokenProblem } from '../claims/token-problem.ts'

/** Why a browser login was refused. It is the `reason` of the error, stable for logs and tests. */
export type LoginProblem = keyof typeof LOGIN_PROBLEMS

/** Problems that may not occur again. */
const OF_ONE_LOGIN = {
  malformed: 'The answer from the identity provider is malformed.',
  transaction: 'This login was not started in this browser, or its cookie is damaged.',
  too_late: 'The login took longer than ten minutes.',
  state: 'This answer belongs to another login.',
  issuer: 'The answer did not come from the identity provider that was asked.',
  denied: 'The login was cancelled or refused at the identity provider.',
  replayed_code: 'This login answer was already used, has expired, or belongs to another login.',
  nonce: 'The ID token belongs to another login.',
  authentication_too_old: 'The last sign-in at the identity provider is too long ago.',
  authentication_too_weak: 'The sign-in at the identity provider was weaker than this server requires.',
} as const

/** Problems of every login until an operator fixes them, here or at the identity provider. */
const OF_THE_SET_UP = {
  provider_error: 'The identity provider answered with an error. Check its own log.',
  client_refused:
    'The identity provider refused this server as its client. Check clientId, clientSecret and the redirect URI.',
  authentication_time_missing:
    'The ID token does not say when the user signed in. Make the identity provider include auth_time, or leave maxAuthAgeSeconds out.',
  id_token_missing:
    'The identity provider sent no ID token. Check that loginScopes has openid and that the client may use it.',
  id_token_malformed:
    'The ID token is not a well-formed signed JWT, or one of its claims is missing or has a wrong type.',
  id_token_issuer: 'The ID token names another issuer than the configured one. Check issuer.',
  audience: 'The ID token was issued for another client. Check clientId.',
  algorithm: 'The ID token is signed with an algorithm that this server does not accept. Check algorithms.',
  signature: "The ID token's signature is not by the configured issuer.",
  key_unknown: "The ID token is signed with a key that is not in the configured issuer's key set.",
  expired: "The ID token has expired already. Check this server's clock and the identity provider's.",
  expiry_missing: 'The ID token does not say when it expires.',
  not_yet_valid: "The ID token is not valid yet. Check this server's clock and the identity provider's.",
  subject_missing:
    'The ID token lacks the claim that names the user. Make the identity provider include it, or set idTokenSubjectClaim.',
  subject_malformed: "The ID token's user claim is not a string of 1 to 255 ordinary characters. Choose another claim.",
  id_token: 'The ID token cannot be trusted.',
} as const

export const LOGIN_PROBLEMS = { ...OF_ONE_LOGIN, ...OF_THE_SET_UP } as const

/**
 * Makes the error for a failed login. It is `retryable` unless every login will fail the same way. It never holds a code, state, token,
 * claim's value or text of the identity provider.
 */
export function loginRefusal(problem: LoginProblem): CredentialVaultError {
  const retryable = Object.hasOwn(OF_ONE_LOGIN, problem)
  const advice = retryable ? ' Open the link again and sign in once more.' : ''
  return new CredentialVaultError('login_failed', LOGIN_PROBLEMS[problem] + advice, { reason: problem, retryable })
}

/** Makes the error for a refused ID token. `malformed` and `issuer` are renamed, since they already name problems of the answer. */
export function idTokenRefusal(problem: TokenProblem): CredentialVaultError {
  if (problem === 'malformed') return loginRefusal('id_token_malformed')
  if (problem === 'issuer') return loginRefusal('id_token_issuer')
  return loginRefusal(Object.hasOwn(OF_THE_SET_UP, problem) ? (problem as LoginProblem) : 'id_token')
}
