import { CredentialVaultError } from '../model/errors.ts'
import { parsedUrl } from '../model/url-value.ts'
import { isLoopback } from './loopback.ts'

/** @throws `configuration_invalid`: not absolute, plain http off loopback, or with user info, query or fragment */
export function checkServerBaseUrl(value: string | URL, option: string): URL {
  const url = parsedUrl(String(value))
  const problem = url ? urlProblem(url) : 'must be an absolute URL such as https://mcp.example.com'
  if (!url || problem)
    throw new CredentialVaultError('configuration_invalid', `${option}: ${problem}. Correct it.`, {
      reason: 'server_base_url',
    })
  url.pathname = url.pathname.replace(/\/+$/, '') || '/'
  return url
}

function urlProblem(url: URL): string | undefined {
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return 'must begin with https://, or on this machine with http://localhost'
  if (url.protocol === 'http:' && !isLoopback(url))
    return 'must be https, since secrets are typed there; plain http is for loopback only'
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    return 'must have no user info, query or fragment'
  }
  return undefined
}

/** Returns the path of the base URL without a trailing slash; empty at the root of its origin. */
export function basePathOf(serverBaseUrl: URL): string {
  return serverBaseUrl.pathname.replace(/\/+$/, '')
}

/** Returns the URL of a path below the base URL. The path begins with a slash. */
export function urlBelow(serverBaseUrl: URL, path: string): URL {
  return new URL(basePathOf(serverBaseUrl) + path, serverBaseUrl)
}

/** Returns the issuer identifier of this server as an authorization server (RFC 8414 §2). Clients compare it byte for byte. */
export function ownIssuer(serverBaseUrl: URL): string {
  return serverBaseUrl.origin + basePathOf(serverBaseUrl)
}
