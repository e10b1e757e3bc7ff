import { parsedUrl } from '../../core/model/url-value.ts'
import { isLoopbackHost } from '../../core/network/loopback.ts'
import type { ClientLogin } from '../../core/ports/login/client-login.ts'

/** Longest redirect URI. It is part of the sealed state in a URL. */
export const MAX_REDIRECT_URI = 1_000

/** Whether an authorization code sent there reaches a program on the user's own computer, whichever that is (RFC 8252 §7.3). */
export function isLoopbackUri(text: string): boolean {
  const url = parsedUrl(text)
  return url?.protocol === 'http:' && isLoopbackHost(url.hostname)
}

/** Whether any program on the user's own computer could be the one that receives the code, with https too. */
export function isOnThisComputer(text: string): boolean {
  const url = parsedUrl(text)
  return (url?.protocol === 'http:' || url?.protocol === 'https:') && isLoopbackHost(url.hostname)
}

/** Whether clients may name this redirect URI at all: a well-formed one on loopback, or one that the operator listed. */
export function isPermitted(text: string, listed: readonly string[]): boolean {
  if (!isPlain(text)) return false
  return isLoopbackUri(text) || listed.includes(text)
}

/**
 * Whether a client may still be sent there. Registrations and logins outlive a change of the operator's lists.
 *
 * @param client `label` is the URL of its metadata document, if it has one
 */
export function isStillPermitted(
  { redirectUris, metadataHosts }: Pick<ClientLogin, 'redirectUris' | 'metadataHosts'>,
  { label, redirectUri }: { readonly label: string; readonly redirectUri: string },
): boolean {
  const document = label.startsWith('https://') ? parsedUrl(label) : undefined
  if (document && !metadataHosts.includes(document.host)) return false
  if (document && isPlain(redirectUri) && redirectUri.startsWith(`${document.origin}/`)) return true
  return isPermitted(redirectUri, redirectUris)
}

/** Whether the URI of a login is one of the client's own. Only the port of a loopback URI may differ. */
export function isOneOf(text: string, own: readonly string[]): boolean {
  if (!isPlain(text)) return false
  if (!isLoopbackUri(text)) return own.includes(text)
  return own.some((one) => isLoopbackUri(one) && withoutPort(one) === withoutPort(text))
}

/** Returns the address to which the client's answer goes. */
export function withAnswer(redirectUri: string, answer: Readonly<Record<string, string | undefined>>): string {
  const { href, search } = new URL(redirectUri)
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(answer)) if (value !== undefined) parameters.set(name, value)
  // Appended as text, since a parser would spell the client's own query anew (RFC 6749 §3.1.2).
  return `${href}${search === '' ? (href.endsWith('?') ? '' : '?') : '&'}${parameters}`
}

/** Names the place for a person: the host, or the scheme of an application. */
export function placeOf(redirectUri: string): string {
  const { protocol, host } = new URL(redirectUri)
  return protocol === 'https:' || protocol === 'http:' ? host : protocol
}

// Browsers and parsers disagree on what other characters, and on what a backslash means.
function isPlain(text: string): boolean {
  if (text.length > MAX_REDIRECT_URI || !/^[a-z][a-z0-9+.-]*:[\x21-\x7E]+$/i.test(text) || /[#\\]/.test(text))
    return false
  const url = parsedUrl(text)
  return url !== undefined && url.username === '' && url.password === ''
}

function withoutPort(text: string): string {
  const url = new URL(text)
  url.port = ''
  return url.href
}
