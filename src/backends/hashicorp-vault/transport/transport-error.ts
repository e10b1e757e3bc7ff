import type { DependencyReason } from '../../../core/model/error-reason.ts'
import { CredentialVaultError, isCredentialVaultError } from '../../../core/model/errors.ts'
import { connectionFailure, connectionProblem } from '../../../core/network/connection-failure.ts'
import { changes, type HashicorpVaultRequest } from './exchange.ts'

/** Failures before a byte of the request was sent. */
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

/** Whether another address may be tried: nothing was sent, or the request may be repeated. */
export function mayGoElsewhere(error: unknown, request: HashicorpVaultRequest): boolean {
  if (request.signal.aborted) return false
  return (
    CONNECT_CODES.has(codeOf(error)) ||
    TLS_CODE.test(codeOf(error)) ||
    (!changes(request) && !isCredentialVaultError(error))
  )
}

/**
 * Makes our error for a request that got no answer. The original is dropped, because it may hold the token and the credential.
 *
 * @param where the configured addresses, for operators
 */
export function unanswered(error: unknown, request: HashicorpVaultRequest, where: string): CredentialVaultError {
  if (request.signal.aborted)
    return changes(request)
      ? outcomeUnknown('timeout')
      : unavailable('aborted', `Vault at ${where} did not answer in time. Try again later.`)
  if (isCredentialVaultError(error)) return error
  if (connectionFailure(error) === 'plain_http')
    return new CredentialVaultError(
      'configuration_invalid',
      `The server at ${where} speaks plain http, but address says https. Write http:// in address (VAULT_ADDR), or enable TLS in Vault's listener.`,
      { reason: 'plain_http' },
    )
  if (TLS_CODE.test(codeOf(error)))
    return new CredentialVaultError(
      'configuration_invalid',
      `The TLS certificate of Vault at ${where} is not accepted: it is expired, for another name, or from an unknown certificate authority; or a file of tls cannot be read. Check tls.caFile (VAULT_CACERT) and tls.serverName.`,
      { reason: 'tls' },
    )
  const why = connectionProblem(error)
  if (CONNECT_CODES.has(codeOf(error)))
    return unavailable(
      'connection',
      `Vault at ${where} cannot be reached (${why}). Nothing was changed. Check address (VAULT_ADDR), then try again.`,
    )
  if (changes(request)) return outcomeUnknown('connection')
  return unavailable(
    'connection',
    `Vault at ${where} did not answer (${why}). Check address (VAULT_ADDR), then try again.`,
  )
}

function unavailable(reason: DependencyReason, message: string): CredentialVaultError {
  return new CredentialVaultError('unavailable', message, { reason, retryable: true })
}

export function outcomeUnknown(reason: DependencyReason): CredentialVaultError {
  return new CredentialVaultError(
    'outcome_unknown',
    'Vault did not confirm the change. Check the credential before you try again.',
    { reason },
  )
}

export function misdirected(): CredentialVaultError {
  return new CredentialVaultError(
    'configuration_invalid',
    'Vault redirected to an address that is not configured, and the redirect was not followed. List every node in address.',
    { reason: 'redirect' },
  )
}

/** Reports a captive portal, proxy or firewall that answered in place of Vault. */
export function notHashicorpVault(status: number, change: boolean): CredentialVaultError {
  if (change && status >= 500) return outcomeUnknown('not_vault')
  return new CredentialVaultError(
    'unavailable',
    `Something other than Vault answered (status ${status}, no JSON), such as a proxy or firewall. Check address.`,
    { reason: 'not_vault', retryable: true },
  )
}
