import type { IssuerFailure } from '../../core/model/error-reason.ts'
import { CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'

/** What an operator can look for, by failure. Each continues "The identity provider https://login.example.com …". */
const PROBLEMS: Partial<Readonly<Record<IssuerFailure, string>>> = {
  timeout: 'does not answer in time',
  dns: 'has a host name that cannot be resolved',
  tls: 'has a certificate that cannot be verified',
  plain_http: 'speaks http where https was asked for',
  status: 'answers with an error status (429 or 5xx)',
  misconfigured: 'answers, but its metadata does not fit oidc.issuer',
  client_refused: 'refuses the client of oidc.introspection',
  keys_missing: 'serves no signing keys at its jwks_uri',
  keys_invalid: 'serves no valid key set at its jwks_uri',
  document_too_long: 'serves a document of more than 1 MiB',
  answered: 'answers that it cannot sign anybody in at the moment',
  answer: 'gives an answer that does not follow the protocol',
}
const UNREACHABLE = 'cannot be reached'
const PREFIX = 'issuer_'
const UNTIL_THEN =
  'Until this is over, sign-ins fail, and access tokens that it must check get 503, which tells clients to keep them. It is asked again at the next request.'

/**
 * Returns a function that names the identity provider's origin and the consequences in errors about outages. One of several providers may be
 * away, and the code that notices it knows only a URL of one document.
 */
export function namingIssuer(issuer: string): <T>(work: Promise<T>) => Promise<T> {
  const { origin } = new URL(issuer)
  return async (work) => {
    try {
      return await work
    } catch (error) {
      if (!isCredentialVaultError(error, 'unavailable') || !error.reason?.startsWith(PREFIX)) throw error
      const failure = error.reason.slice(PREFIX.length) as IssuerFailure
      const message = `The identity provider ${origin} ${PROBLEMS[failure] ?? UNREACHABLE}. ${UNTIL_THEN}`
      throw new CredentialVaultError('unavailable', message, { reason: error.reason, retryable: error.retryable })
    }
  }
}
