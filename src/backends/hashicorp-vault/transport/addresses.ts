import { CredentialVaultError } from '../../../core/model/errors.ts'
import { parsedUrl } from '../../../core/model/url-value.ts'
import { isLoopback } from '../../../core/network/loopback.ts'

/** Target of requests: an origin, and a unix socket if one is used. */
export interface HashicorpVaultAddress {
  readonly origin: string
  readonly socketPath: string | undefined
}

/** @throws `configuration_invalid` unless it is `https://host[:port]`, `unix:///path`, or `http://` on loopback */
export function parseAddress(text: string, allowHttp: boolean): HashicorpVaultAddress {
  const url = parsedUrl(text)
  if (url?.protocol === 'unix:' && url.host === '' && /^\/./.test(url.pathname))
    return { origin: 'http://localhost', socketPath: pathOf(url) }
  if (!url || !['https:', 'http:'].includes(url.protocol))
    throw invalid('must be https://host:port or unix:///path. Correct it')
  if (url.href !== `${url.origin}/`) throw invalid('must hold nothing but scheme, host and port. Remove the rest')
  if (url.protocol === 'http:' && !allowHttp && !isLoopback(url))
    throw invalid('would send tokens and credentials in clear. Use https, or set dangerouslyAllowHttp')
  return { origin: url.origin, socketPath: undefined }
}

function pathOf({ pathname }: URL): string {
  try {
    return decodeURIComponent(pathname)
  } catch {
    throw invalid('has a path with an invalid percent encoding. Correct it')
  }
}

function invalid(problem: string): CredentialVaultError {
  return new CredentialVaultError('configuration_invalid', `vaultBackend.address: ${problem}.`, { reason: 'option' })
}
