import { CredentialVaultError } from '../core/model/errors.ts'
import { type ConnectionFailure, connectionFailure } from '../core/network/connection-failure.ts'
import { serviceReason } from '../core/network/service-outage.ts'

/** Texts for the tool's author. Users see the gate's text, operators the reason. */
const TEXTS: Readonly<Record<ConnectionFailure | 'unknown', string>> = {
  dns: 'its host name does not resolve',
  refused: 'nothing listens at its address',
  unreachable: 'there is no route to its address',
  tls: 'its TLS certificate is not accepted. Name your own certificate authority in NODE_EXTRA_CA_CERTS',
  plain_http: 'it does not speak https at this port, but plain http or something else',
  timeout: 'it did not answer in time',
  broken_off: 'it closed the connection',
  not_http: 'its answer is not HTTP',
  unknown: 'the request failed',
}

/** Failures that last until an operator fixes them. */
const LASTING: ReadonlySet<string> = new Set<ConnectionFailure>(['tls', 'plain_http', 'not_http'])

/** Makes our error for a request that got no answer. The original is dropped, because it may quote the request. */
export function unanswered(provider: string, error: unknown): CredentialVaultError {
  const own = refusalIn(error)
  if (own) return own
  const failure = connectionFailure(error) ?? 'unknown'
  return new CredentialVaultError('unavailable', `The ${provider} service cannot be reached: ${TEXTS[failure]}.`, {
    reason: serviceReason(failure),
    retryable: !LASTING.has(failure),
  })
}

export function serverEnding(provider: string): CredentialVaultError {
  return new CredentialVaultError('unavailable', `fetch() of ${provider}: this server is shutting down.`, {
    reason: 'closed',
  })
}

/** Finds our own error in one that was thrown while connecting. */
export function refusalIn(error: unknown): CredentialVaultError | undefined {
  if (error instanceof CredentialVaultError) return error
  if (!(error instanceof Error)) return undefined
  const inner = error instanceof AggregateError ? error.errors : [error.cause]
  return inner.map(refusalIn).find((found) => found !== undefined)
}
