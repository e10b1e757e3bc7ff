import { CredentialVaultError } from '../core/errors.ts'

/** Why a browser login was refused: the `reason` of the error, stable for logs and tests. */
export type LoginProblem = keyof typeof TEXTS

const TEXTS = {
  malformed: 'The answer from the identity provider is malformed.',
  transaction: 'This login was not begun in this browser, or its beginning is damaged.',
  too_late: 'The login took longer than ten minutes.',
  state: 'This answer belongs to another login.',
  issuer: 'The answer did not come from the identity provider that was asked.',
  denied: 'The login was cancelled or refused at the identity provider.',
  provider_error: 'The identity provider answered with an error.',
  replayed_code: 'This login answer was already used, has expired, or belongs to another login.',
  client_refused:
    'The identity provider refused this server as its client. The operator has to check clientId, clientSecret and the redirect URI.',
  nonce: 'The ID token belongs to another login.',
  authentication_too_old: 'The last sign-in at the identity provider is too long ago.',
  authentication_too_weak: 'The sign-in at the identity provider was not as strong as this server asks for.',
  id_token_missing: 'The identity provider sent no ID token.',
  id_token: 'The ID token cannot be trusted.',
} as const

/** The error for a login that did not succeed. Never holds a code, state, token or the identity provider's text. */
export function loginRefusal(problem: LoginProblem): CredentialVaultError {
  return new CredentialVaultError('login_failed', `${TEXTS[problem]} Open the link again and sign in once more.`, {
    reason: problem,
  })
}
