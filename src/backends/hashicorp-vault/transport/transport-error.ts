import { CredentialVaultError, isVaultError } from '../../../core/model/errors.ts'
import { connectionFailure } from '../../../core/network/connection-failure.ts'
import { changes, type VaultRequest } from './exchange.ts'

/** Failures before a byte of the request has left. */
const CONNECT_CODES = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'EACCES',
  'UND_ERR_CONNECT_TIMEOUT',
])

const TLS_CODE =
  /^(?:CERT_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO$)/

function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0])
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** Whether another address may be tried: nothing has left, or it may be asked twice. */
export function mayGoElsewhere(error: unknown, request: VaultRequest): boolean {
  if (request.signal.aborted) return false
  return CONNECT_CODES.has(codeOf(error)) || TLS_CODE.test(codeOf(error)) || (!changes(request) && !isVaultError(error))
}

/** Our error for a request that got no answer. The foreign error is dropped: it may carry the token and the credential. */
export function unanswered(error: unknown, request: VaultRequest): CredentialVaultError {
  if (request.signal.aborted)
    return changes(request)
      ? outcomeUnknown('timeout')
      : new CredentialVaultError('unavailable', 'Vault did not answer in time. Try again later.', {
          reason: 'aborted',
          retryable: true,
        })
  if (isVaultError(error)) return error
  if (connectionFailure(error) === 'plain_http')
    return new CredentialVaultError(
      'configuration_invalid',
      'The server at this address speaks plain http, and address says https. Write http:// in address (VAULT_ADDR), or switch TLS on in the listener of Vault.',
      { reason: 'plain_http' },
    )
  if (TLS_CODE.test(codeOf(error)))
    return new CredentialVaultError(
      'configuration_invalid',
      "Vault's TLS certificate is not accepted: expired, for another name, or of an authority that this server does not know; or a file of tls cannot be read. Check tls.caFile and tls.serverName.",
      { reason: 'tls' },
    )
  if (CONNECT_CODES.has(codeOf(error)))
    return new CredentialVaultError('unavailable', 'Vault cannot be reached. Nothing was changed. Try again later.', {
      reason: 'connection',
      retryable: true,
    })
  if (changes(request)) return outcomeUnknown('connection')
  return new CredentialVaultError('unavailable', 'Vault did not answer. Try again later.', {
    reason: 'connection',
    retryable: true,
  })
}

export function outcomeUnknown(reason: string): CredentialVaultError {
  return new CredentialVaultError(
    'outcome_unknown',
    'Vault did not say whether the change was made. Look at the credential before you try again.',
    { reason },
  )
}

export function misdirected(): CredentialVaultError {
  return new CredentialVaultError(
    'configuration_invalid',
    'Vault pointed to an address that is not configured, and was not followed there. List every node in address.',
    { reason: 'redirect' },
  )
}

/** A captive portal, proxy or firewall that answers in place of Vault. */
export function notVault(status: number, change: boolean): CredentialVaultError {
  if (change && status >= 500) return outcomeUnknown('not_vault')
  return new CredentialVaultError(
    'unavailable',
    `Something other than Vault answered (status ${status}, no JSON): a proxy or firewall in between. Check address.`,
    { reason: 'not_vault', retryable: true },
  )
}
