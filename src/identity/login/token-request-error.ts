import { ClientError, ResponseBodyError, WWWAuthenticateChallengeError } from 'openid-client'
import { type CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import { connectionReason, issuerUnavailable } from '../issuer/issuer-document.ts'
import { type LoginProblem, loginRefusal } from './login-problem.ts'

/** Translates errors of openid-client. The originals are dropped, because they hold code, state and tokens in `cause`. */
export function tokenRequestError(error: unknown): CredentialVaultError {
  if (isCredentialVaultError(error)) return error
  if (error instanceof ResponseBodyError) return refusedRequest(error)
  // RFC 6749 §5.2: the client authenticated in the header and failed.
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
      return loginRefusal(WRONG_CLAIMS.get(detail(error, 'claim')) ?? 'id_token')
    case 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED':
      return loginRefusal(WRONG_TIMES.get(detail(error, 'claim')) ?? 'id_token')
    case 'OAUTH_INVALID_RESPONSE':
      return loginRefusal(invalidResponse(error))
    default:
      return loginRefusal('id_token')
  }
}

const WRONG_CLAIMS: ReadonlyMap<unknown, LoginProblem> = new Map([
  ['nonce', 'nonce'],
  ['aud', 'audience'],
  ['azp', 'audience'],
  ['iss', 'id_token_issuer'],
])

const WRONG_TIMES: ReadonlyMap<unknown, LoginProblem> = new Map([
  ['auth_time', 'authentication_too_old'],
  ['exp', 'expired'],
  ['nbf', 'not_yet_valid'],
])

/** openid-client does not name the missing part, but passes what it checked: the answer, or the token's header or claims. */
function invalidResponse(error: ClientError): LoginProblem {
  if (detail(error, 'header') !== undefined) return 'algorithm'
  const body = detail(error, 'body')
  if (isRecord(body)) return body['id_token'] === undefined ? 'id_token_missing' : 'provider_error'
  const claims = detail(error, 'claims')
  if (!isRecord(claims)) return 'id_token_malformed'
  if (claims['exp'] === undefined) return 'expiry_missing'
  if (claims['sub'] === undefined) return 'subject_missing'
  if (['iss', 'aud', 'iat'].some((name) => claims[name] === undefined)) return 'id_token_malformed'
  if (TIMES.some((name) => claims[name] !== undefined && typeof claims[name] !== 'number')) return 'id_token_malformed'
  if (typeof claims['sub'] !== 'string') return 'subject_malformed'
  if (claims['nonce'] === undefined) return 'nonce'
  if (claims['auth_time'] === undefined) return 'authentication_time_missing'
  return 'id_token_malformed'
}

const TIMES = ['exp', 'iat', 'nbf', 'auth_time'] as const

/** Reads a property that is nested in the error: ClientError → OperationProcessingError → `{ claim, claims, … }`. */
function detail(error: ClientError, name: string): unknown {
  let inner: unknown = error.cause
  while (isRecord(inner)) {
    if (name in inner) return inner[name]
    inner = inner['cause']
  }
  return undefined
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
