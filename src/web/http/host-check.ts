/**
 * Whether a request was meant for this server. Another `Host` means DNS rebinding, or a proxy that does not pass the name on. Both get 421
 * (RFC 9110 §15.5.20). A default port may be given explicitly.
 */
export function hostMatches(host: string | undefined, serverBaseUrl: URL): boolean {
  if (host === undefined) return false
  const given = host.toLowerCase()
  if (given === serverBaseUrl.host) return true
  return (
    serverBaseUrl.port === '' && given === `${serverBaseUrl.host}:${serverBaseUrl.protocol === 'https:' ? '443' : '80'}`
  )
}
