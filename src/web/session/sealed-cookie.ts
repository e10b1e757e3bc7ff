import type { IncomingMessage } from 'node:http'
import type { Sealer, SealPurpose } from '../../core/crypto/seal.ts'
import type { Site } from '../http/site.ts'

/** Browsers silently drop a longer cookie, and the login would loop (RFC 6265bis §5.4). */
const MAX_COOKIE_BYTES = 4096

/** Returns the name of a cookie of this vault. On https it is locked to the host. */
export function cookieName(site: Site, name: string): string {
  return `${site.secure ? '__Host-' : ''}credentials-${site.id}-${name}`
}

export interface SealedCookie {
  readonly name: string
  readonly value: string
  /** Seconds. If left out, the cookie ends with the browser. */
  readonly maxAge?: number
}

/** Returns a `Set-Cookie` line. Throws a TypeError if browsers would drop the cookie. */
export function sealedCookie(site: Site, { name, value, maxAge }: SealedCookie): string {
  if (name.length + value.length > MAX_COOKIE_BYTES) throw new TypeError(`the cookie ${name} is too long`)
  const age = maxAge === undefined ? '' : `; Max-Age=${maxAge}`
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax${site.secure ? '; Secure' : ''}${age}`
}

/** Returns a `Set-Cookie` line that deletes the cookie. */
export function clearedCookie(site: Site, name: string): string {
  const expired = 'Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0'
  return `${name}=; Path=/; HttpOnly; SameSite=Lax${site.secure ? '; Secure' : ''}; ${expired}`
}

/** Returns the request's cookies undecoded, the first of each name. */
export function requestCookies(request: IncomingMessage): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>()
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const separator = pair.indexOf('=')
    if (separator < 1) continue
    const name = pair.slice(0, separator).trim()
    if (!cookies.has(name)) cookies.set(name, pair.slice(separator + 1).trim())
  }
  return cookies
}

type CookiePurpose = Extract<SealPurpose, 'session-cookie' | 'login-cookie' | 'client-cookie'>

/** Seals the contents of cookies for one vault. Its replicas can open them; other vaults with the same web key cannot. */
export interface CookieSealer {
  seal(purpose: CookiePurpose, value: object, expiresAt: number): string
  /** Returns the content, or undefined if the cookie is absent, foreign, altered, expired or sealed for another purpose. */
  open(purpose: CookiePurpose, value: string | undefined): unknown
}

/**
 * Creates the sealer of cookies. `policy` is the text of the login's requirements. A cookie sealed under another policy, which may be
 * weaker, does not open.
 */
export function createCookieSealer(
  sealer: Pick<Sealer<CookiePurpose>, 'seal' | 'open'>,
  site: Site,
  policy = '',
): CookieSealer {
  const context = JSON.stringify([site.origin, site.root, policy])
  return {
    seal: (purpose, value, expiresAt) => sealer.seal(purpose, value, expiresAt, context),
    open: (purpose, value) => (value === undefined || value === '' ? undefined : sealer.open(purpose, value, context)),
  }
}
