import type { JWTPayload } from 'jose'
import { hasControlCharacter, isWellFormed } from '../../core/model/owner.ts'

const MAX_DISPLAY_NAME_LENGTH = 100
const MAX_CLIENT_ID_LENGTH = 255

/** RFC 9068 names the claim `client_id`, OpenID Connect `azp`, Entra v1 `appid`, Okta `cid`. */
const CLIENT_CLAIMS = ['client_id', 'azp', 'appid', 'cid'] as const

/** Returns a name for the user's own pages: the first usable one of `name`, `preferred_username` and `email`. */
export function displayNameOf(claims: JWTPayload): string | undefined {
  return firstText(claims, ['name', 'preferred_username', 'email'], MAX_DISPLAY_NAME_LENGTH)
}

/** Returns the OAuth client of an access token. */
export function clientIdOf(claims: JWTPayload): string | undefined {
  return firstText(claims, CLIENT_CLAIMS, MAX_CLIENT_ID_LENGTH)
}

/** RFC 9068 `scope` is one string; `scp` is a string (Entra) or an array (Okta). */
export function scopesOf(claims: JWTPayload): string[] {
  const value = claims['scope'] ?? claims['scp']
  if (typeof value === 'string') return value.split(' ').filter((scope) => scope !== '')
  if (Array.isArray(value)) return value.filter((scope) => typeof scope === 'string')
  return []
}

/**
 * Whether the token was issued to a program for itself (RFC 9700 §4.15): its subject is the client, or it has a sign of Auth0 (`gty`,
 * `…@clients`), Entra (`idtyp`, no scope) or Keycloak (`service-account-…`).
 */
export function isMachineToken(claims: JWTPayload): boolean {
  if (claims['gty'] === 'client-credentials' || claims['idtyp'] === 'app') return true
  // In Entra `idtyp` must be configured, but a token with the client's authentication method and no scopes is never a person's.
  const ofEntra = Object.hasOwn(claims, 'azpacr') || Object.hasOwn(claims, 'appidacr')
  if (ofEntra && claims['scp'] === undefined && claims['scope'] === undefined) return true
  return CLIENT_CLAIMS.map((name) => claims[name]).some(
    (client) =>
      typeof client === 'string' &&
      (claims.sub === client ||
        claims.sub === `${client}@clients` ||
        claims['preferred_username'] === `service-account-${client}`),
  )
}

function firstText(claims: JWTPayload, names: readonly string[], maxLength: number): string | undefined {
  return names
    .map((name) => (Object.hasOwn(claims, name) ? claims[name] : undefined))
    .find(
      (value): value is string =>
        typeof value === 'string' &&
        value !== '' &&
        value.length <= maxLength &&
        isWellFormed(value) &&
        !hasControlCharacter(value),
    )
}
