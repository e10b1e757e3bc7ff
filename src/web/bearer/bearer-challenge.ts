import type { ResourceDescription } from '../../core/ports/identity.ts'
import { metadataUrl } from './protected-resource-metadata.ts'

export type BearerError = 'invalid_request' | 'invalid_token' | 'insufficient_scope'

/**
 * Returns the value of a refusal's only `WWW-Authenticate` header (RFC 6750 §3, RFC 9728 §5.1). It contains nothing that the client sent,
 * and no `error` if the request had no credentials.
 */
export function bearerChallenge(
  serverBaseUrl: URL,
  resource: ResourceDescription | undefined,
  error?: BearerError,
  description = error && DESCRIPTIONS[error],
): string {
  const parameters: (readonly [string, string])[] = []
  if (error && description) parameters.push(['error', error], ['error_description', description])
  if (resource && resource.scopes.length > 0) parameters.push(['scope', resource.scopes.join(' ')])
  if (resource) parameters.push(['resource_metadata', metadataUrl(serverBaseUrl, resource)])
  return ['Bearer', parameters.map(([name, value]) => `${name}="${value}"`).join(', ')].join(' ').trimEnd()
}

const DESCRIPTIONS: Readonly<Record<BearerError, string>> = {
  invalid_request: 'The request needs exactly one Authorization header with one Bearer token',
  invalid_token: 'The access token is expired, malformed, revoked or meant for another server',
  insufficient_scope: 'The access token lacks a scope that this server requires',
}
