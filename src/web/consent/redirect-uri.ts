import { parsedUrl } from '../../core/model/url-value.ts'
import { isLoopbackHost } from '../../core/network/loopback.ts'

/** Longest redirect URI. It is part of the sealed state in a URL. */
export const MAX_REDIRECT_URI = 1_000

/** Whether an authorization code sent there reaches a program on the user's own computer, whichever that is (RFC 8252 §7.3). */
export function isLoopbackUri(text: string): boolean {
  const url = parsedUrl(text)
  return url?.protocol === 'http:' && isLoopbackHost(url.hostname)
}

/** Whether clients may name this redirect URI at all: a well-formed one on loopback, or one that the operator listed. */
export function isPermitted(text: string, listed: readonly string[]): boolean {
  if (!isPlain(text)) return false
  return isLoopbackUri(text) || listed.includes(text)
}

/** Whether the URI of a login is one of the client's own. Only the port of a loopback URI may differ. */
export function isOneOf(text: string, own: readonly string[]): boolean {
  if (!isPlain(text)) return false
  if (!isLoopbackUri(text)) return own.includes(text)
  return own.some((one) => isLoopbackUri(one) && withoutPort(one) === withoutPort(text))
}

/** Returns the address to which the client's answer goes. */
export function withAnswer(redirectUri: string, answer: Readonly<Record<string, string | undefined>>): string {
  const url = new URL(redirectUri)
  for (const [name, value] of Object.entries(answer)) if (value !== undefined) url.searchParams.set(name, value)
  return url.href
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
