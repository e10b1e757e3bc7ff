import { ClientError, ResponseBodyError, WWWAuthenticateChallengeError } from 'openid-client'
import { type CredentialVaultError, isVaultError } from '../core/errors.ts'
import { connectionReason, issuerUnavailable } from './issuer-document.ts'
import { loginRefusal } from './login-problem.ts'

/** Maps what openid-client throws. Its errors hold code, state and tokens in `cause`, so none of them travels further. */
export function tokenRequestError(error: unknown): CredentialVaultError {
  if (isVaultError(error)) return error
  if (error instanceof ResponseBodyError) return refusedRequest(error)
  // RFC 6749 §5.2: the answer to a client that authenticated in the header and failed.
  if (error instanceof WWWAuthenticateChallengeError) return loginRefusal('client_refused')
  if (error instanceof ClientError) return refusedAnswer(error)
  // fetch() reports every failed connection as a TypeError.
  if (error instanceof TypeError) return issuerUnavailable(connectionReason(error))
  return loginRefusal('id_token')
}

function refusedRequest(error: ResponseBodyError): CredentialVaultError {
  if (error.status === 429 || error.status >= 500) return issuerUnavailable('status')
  if (error.error === 'invalid_grant') return loginRefusal('replayed_code')
  if (error.error === 'invalid_client' || error.error === 'unauthorized_client') return loginRefusal('client_refused')
  return loginRefusal('provider_error')
}

function refusedAnswer(error: ClientError): CredentialVaultError {
  switch (error.code) {
    case 'OAUTH_TIMEOUT':
    case 'OAUTH_ABORT':
    case 'OAUTH_RESPONSE_IS_NOT_CONFORM':
    case 'OAUTH_RESPONSE_IS_NOT_JSON':
    case 'OAUTH_PARSE_ERROR':
      return issuerUnavailable('answer')
    case 'OAUTH_JWT_CLAIM_COMPARISON_FAILED':
      return loginRefusal(claimOf(error) === 'nonce' ? 'nonce' : 'id_token')
    case 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED':
      return loginRefusal(claimOf(error) === 'auth_time' ? 'authentication_too_old' : 'id_token')
    default:
      return loginRefusal('id_token')
  }
}

/** The claim's name from the depths of the error: ClientError → OperationProcessingError → `{ claim }`. */
function claimOf(error: ClientError): unknown {
  let inner: unknown = error.cause
  while (typeof inner === 'object' && inner !== null) {
    if ('claim' in inner) return inner.claim
    inner = 'cause' in inner ? inner.cause : undefined
  }
  return undefined
}
