/** The cause for which a server could not be asked. Stable for logs. */
export type ConnectionFailure =
  /** Its name has no address. */
  | 'dns'
  /** Nothing listens there. */
  | 'refused'
  /** No route, or a firewall that says so. */
  | 'unreachable'
  /** Its certificate is not accepted, or no TLS version and cipher suit both sides. */
  | 'tls'
  /** It was asked over https and speaks something else, in most cases plain http. */
  | 'plain_http'
  | 'timeout'
  /** It closed the connection. */
  | 'broken_off'
  /** The server's answer is not HTTP. */
  | 'not_http'

/** Words for operators, shown in parentheses after the server's name. */
const WORDS: Readonly<Record<ConnectionFailure, string>> = {
  dns: 'its host name does not resolve',
  refused: 'connection refused',
  unreachable: 'there is no route to its address',
  tls: 'its TLS certificate is not accepted',
  plain_http: 'it speaks plain http',
  timeout: 'no answer in time',
  broken_off: 'the connection was closed',
  not_http: 'its answer is not HTTP',
}

/** Describes the connection failure in a request's error. */
export function connectionProblem(error: unknown): string {
  const failure = connectionFailure(error)
  return failure === undefined ? 'the request failed' : WORDS[failure]
}

const CODES: readonly (readonly [ConnectionFailure, RegExp])[] = [
  ['dns', /^(?:ENOTFOUND|EAI_\w+)$/],
  ['refused', /^ECONNREFUSED$/],
  ['unreachable', /^(?:EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL|EACCES|EPERM)$/],
  ['timeout', /^(?:ETIMEDOUT|UND_ERR_(?:CONNECT|HEADERS|BODY)_TIMEOUT)$/],
  // OpenSSL's errors for an answer that is not a TLS record, by version.
  [
    'plain_http',
    /^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|BAD_RECORD_TYPE|HTTP_REQUEST|UNKNOWN_PROTOCOL)$/,
  ],
  [
    'tls',
    /^(?:CERT_|CRL_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|EPROTO$)/,
  ],
  ['broken_off', /^(?:ECONNRESET|ECONNABORTED|EPIPE|UND_ERR_SOCKET)$/],
  ['not_http', /^HPE_/],
]

const MAX_DEPTH = 8

/** Finds the connection failure in a request's error or its causes. Returns undefined when there is none. */
export function connectionFailure(error: unknown): ConnectionFailure | undefined {
  let inner = error
  for (let depth = 0; depth < MAX_DEPTH && inner instanceof Error; depth += 1) {
    const found = failureOf(inner)
    if (found) return found
    // Several addresses were tried; report the first one's failure.
    inner = inner instanceof AggregateError ? inner.errors[0] : inner.cause
  }
  return undefined
}

function failureOf(error: Error): ConnectionFailure | undefined {
  if (error.name === 'TimeoutError') return 'timeout'
  // Some versions of undici give it no code.
  if (error.name === 'HTTPParserError') return 'not_http'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (code === 'EPROTO' && error.message.includes('wrong version number')) return 'plain_http'
  return CODES.find(([, pattern]) => pattern.test(code))?.[0]
}
