import { ownIssuer } from '../../core/network/server-base-url.ts'
import type { ClientLogin } from '../../core/ports/login/client-login.ts'
import type { Site } from '../http/site.ts'
import type { WebParts } from '../http/web-parts.ts'
import type { CookieSealer } from '../session/sealed-cookie.ts'
import { type ClientSeals, createClientSeals } from './client-seals.ts'
import { type ConsentCookies, createConsentCookies } from './consent-cookies.ts'

/** What the login of MCP clients needs besides the services of every page. */
export interface ClientLoginServices {
  readonly login: ClientLogin
  readonly cookies: ConsentCookies
  readonly seals: ClientSeals
  /** This server's own issuer identifier, byte for byte as in its metadata. */
  readonly issuer: string
}

/** Returns undefined where clients log in at the identity provider itself. */
export function clientLoginServices(
  { identity, sealer, serverBaseUrl }: WebParts,
  site: Site,
  cookies: CookieSealer,
): ClientLoginServices | undefined {
  const login = identity.clientLogin
  if (!login) return undefined
  return {
    login,
    cookies: createConsentCookies(site, cookies, login.rememberSeconds),
    seals: createClientSeals(sealer, site, login),
    issuer: ownIssuer(serverBaseUrl),
  }
}
