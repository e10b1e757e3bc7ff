import type { JWTPayload } from 'jose'
import { hasControlCharacter, isWellFormed } from '../core/owner.ts'

const MAX_DISPLAY_NAME_LENGTH = 100
const MAX_CLIENT_ID_LENGTH = 255

/** A name for the user's own pages; the first usable of `name`, `preferred_username` and `email`. */
export function displayNameOf(claims: JWTPayload): string | undefined {
  return firstText(claims, ['name', 'preferred_username', 'email'], MAX_DISPLAY_NAME_LENGTH)
}

/** The OAuth client of an access token: RFC 9068 `client_id`, else `azp`, else what Entra v1 (`appid`) and Okta (`cid`) call it. */
export function clientIdOf(claims: JWTPayload): string | undefined {
  return firstText(claims, ['client_id', 'azp', 'appid', 'cid'], MAX_CLIENT_ID_LENGTH)
}

/** RFC 9068 `scope` is one string; `scp` is a string (Entra) or an array (Okta). */
export function scopesOf(claims: JWTPayload): string[] {
  const value = claims['scope'] ?? claims['scp']
  if (typeof value === 'string') return value.split(' ').filter((scope) => scope !== '')
  if (Array.isArray(value)) return value.filter((scope) => typeof scope === 'string')
  return []
}

/**
 * Whether the token was issued to a program for itself (RFC 9700 §4.15). Besides a subject that is the client, the marks of Auth0
 * (`gty`, `…@clients`) and Entra (`idtyp`).
 */
export function isMachineToken(claims: JWTPayload, clientId: string | undefined): boolean {
  return (
    (clientId !== undefined && (claims.sub === clientId || claims.sub === `${clientId}@clients`)) ||
    claims['gty'] === 'client-credentials' ||
    claims['idtyp'] === 'app'
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
