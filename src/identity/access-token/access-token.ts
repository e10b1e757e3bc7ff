import {
  decodeJwt,
  decodeProtectedHeader,
  type JWTClaimVerificationOptions,
  type JWTPayload,
  type ProtectedHeaderParameters,
} from 'jose'
import { MAX_ACCESS_TOKEN_LENGTH, type Principal, type VerifyToken } from '../../core/ports/identity.ts'
import { ownerFromClaims } from '../claims/owner-claim.ts'
import { accessTokenRefusal } from '../claims/token-problem.ts'
import { clientIdOf, displayNameOf, isMachineToken, scopesOf } from '../claims/user-claims.ts'
import type { VerifySigned } from '../issuer/issuer-keys.ts'

export interface AccessTokenSettings {
  readonly issuer: string
  readonly issuerAliases: readonly string[]
  /** The browser login's client: its ID tokens carry it as audience. */
  readonly clientId: string
  readonly audience: string
  readonly algorithms: readonly string[]
  readonly subjectClaim: string
  readonly clockToleranceSeconds: number
  readonly requireTokenType: boolean
  readonly allowMachineTokens: boolean
}

/**
 * Verifies JWT access tokens (RFC 9068, also as issued by providers that leave out its `typ`). Whether the token's scopes suffice is
 * for the caller to decide from {@link Principal.scopes}: a good token that lacks one is a 403, not a 401.
 *
 * @throws `token_invalid` with a reason, or `unavailable`
 */
export function accessTokenVerifier(settings: AccessTokenSettings, verifySigned: VerifySigned): VerifyToken {
  const issuers = [settings.issuer, ...settings.issuerAliases]
  return async (token) => {
    if (token.length > MAX_ACCESS_TOKEN_LENGTH) throw accessTokenRefusal('too_long')
    refuseEarly(token, settings, issuers)
    const claims = await verifySigned(
      token,
      { algorithms: [...settings.algorithms], ...checkedClaims(settings) },
      accessTokenRefusal,
    )
    return principalOf(claims, settings)
  }
}

/** Claims that an access token must have, in the JWT or in the introspection response. */
export function checkedClaims(settings: AccessTokenSettings): JWTClaimVerificationOptions {
  return {
    issuer: [settings.issuer, ...settings.issuerAliases],
    audience: settings.audience,
    requiredClaims: ['exp'],
    clockTolerance: settings.clockToleranceSeconds,
  }
}

/** Whether a token is a signed JWT in form. What is not can only be looked up. */
export function isJwt(token: string): boolean {
  if (!COMPACT.test(token)) return false
  try {
    return typeof decodeProtectedHeader(token).alg === 'string'
  } catch {
    return false
  }
}

/** Returns a JWT's unverified issuer, or undefined for a token that is not a JWT. Throws `token_invalid` for a JWT without an issuer. */
export function issuerOf(token: string): string | undefined {
  if (!isJwt(token)) return undefined
  const { iss } = decode(token).claims
  if (typeof iss !== 'string') throw accessTokenRefusal('issuer')
  return iss
}

/** Refuses what it can without the issuer's keys, so that tokens that can never be valid cause no request, not even in an outage. */
function refuseEarly(token: string, settings: AccessTokenSettings, issuers: readonly string[]): void {
  const { header, claims } = decode(token)
  if (typeof header.alg !== 'string' || !settings.algorithms.includes(header.alg)) throw accessTokenRefusal('algorithm')
  if (!isAccessTokenType(header.typ, settings.requireTokenType)) throw accessTokenRefusal('type')
  if (typeof claims.iss !== 'string' || !issuers.includes(claims.iss)) throw accessTokenRefusal('issuer')
}

// RFC 7515 §7.1. Decoders also take blanks, padding and the other alphabet, so that one token would have many spellings.
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]*$/

function decode(token: string): { header: ProtectedHeaderParameters; claims: JWTPayload } {
  if (!COMPACT.test(token)) throw accessTokenRefusal('malformed')
  try {
    return { header: decodeProtectedHeader(token), claims: decodeJwt(token) }
  } catch {
    throw accessTokenRefusal('malformed')
  }
}

/** RFC 9068 §2.1 `at+jwt`; most providers send `JWT` or nothing unless told otherwise. */
function isAccessTokenType(typ: unknown, strict: boolean): boolean {
  if (typ === undefined) return !strict
  if (typeof typ !== 'string') return false
  const type = typ.toLowerCase().replace(/^application\//, '')
  return type === 'at+jwt' || (type === 'jwt' && !strict)
}

/** Reads the person from checked claims, and refuses tokens of other kinds. */
export function principalOf(claims: JWTPayload, settings: AccessTokenSettings): Principal {
  const now = Math.floor(Date.now() / 1_000)
  if (claims.iat !== undefined && claims.iat > now + settings.clockToleranceSeconds) {
    throw accessTokenRefusal('not_yet_valid')
  }
  if (isOtherKind(claims, settings)) throw accessTokenRefusal('type')
  // Bound to a key (RFC 7800: DPoP, mutual TLS). Nobody checks here that the sender has it, so a stolen one would do as well.
  if (claims['cnf'] !== undefined && claims['cnf'] !== null) throw accessTokenRefusal('bound_token')
  const owner = ownerFromClaims(claims, settings.issuer, settings.subjectClaim, accessTokenRefusal)
  const clientId = clientIdOf(claims)
  if (!settings.allowMachineTokens && isMachineToken(claims)) throw accessTokenRefusal('machine_token')
  const displayName = displayNameOf(claims)
  return {
    ...owner,
    ...(clientId === undefined ? {} : { clientId }),
    ...(displayName === undefined ? {} : { displayName }),
    scopes: scopesOf(claims),
    ...(claims.exp === undefined ? {} : { expiresAt: claims.exp }),
  }
}

/**
 * Tokens of other kinds that carry our audience. The audience keeps ID tokens out unless it is the login client itself, as with Entra;
 * then what only ID tokens have gives them away, and what only access tokens have is demanded.
 */
function isOtherKind(claims: JWTPayload, settings: AccessTokenSettings): boolean {
  const keycloakType = claims['typ']
  if (typeof keycloakType === 'string' && keycloakType !== 'Bearer') return true
  if (['at_hash', 'c_hash', 's_hash', 'events'].some((claim) => Object.hasOwn(claims, claim))) return true
  const audiences = [claims.aud].flat()
  if (!audiences.includes(settings.clientId)) return false
  return Object.hasOwn(claims, 'nonce') || (claims['scope'] ?? claims['scp']) === undefined
}
