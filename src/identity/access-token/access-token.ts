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
  /** Client of the browser login, which is the audience of its ID tokens. */
  readonly clientId: string
  readonly audience: string
  readonly algorithms: readonly string[]
  readonly subjectClaim: string
  readonly clockToleranceSeconds: number
  readonly requireTokenType: boolean
  readonly allowMachineTokens: boolean
}

/**
 * Verifies JWT access tokens (RFC 9068, also from providers that leave out its `typ`). The caller checks the scopes in
 * {@link Principal.scopes}: a valid token that lacks one is a 403, not a 401.
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

/** Required claims of an access token, whether it holds them or the issuer reports them. */
export function checkedClaims(settings: AccessTokenSettings): JWTClaimVerificationOptions {
  return {
    issuer: [settings.issuer, ...settings.issuerAliases],
    audience: settings.audience,
    requiredClaims: ['exp'],
    clockTolerance: settings.clockToleranceSeconds,
  }
}

/** Whether a token has the form of a signed JWT. Other tokens can only be looked up. */
export function isJwt(token: string): boolean {
  if (!COMPACT.test(token)) return false
  try {
    return typeof decodeProtectedHeader(token).alg === 'string'
  } catch {
    return false
  }
}

/** Reads the unverified `iss` of a JWT, or returns undefined for other tokens. Throws `token_invalid` for a JWT without one. */
export function issuerOf(token: string): string | undefined {
  if (!isJwt(token)) return undefined
  const { iss } = decode(token).claims
  if (typeof iss !== 'string') throw accessTokenRefusal('issuer')
  return iss
}

/** Refuses tokens that can never be valid without the issuer's keys, so that they cause no request, not even during an outage. */
function refuseEarly(token: string, settings: AccessTokenSettings, issuers: readonly string[]): void {
  const { header, claims } = decode(token)
  if (typeof header.alg !== 'string' || !settings.algorithms.includes(header.alg)) throw accessTokenRefusal('algorithm')
  if (!isAccessTokenType(header.typ, settings.requireTokenType)) throw accessTokenRefusal('type')
  if (typeof claims.iss !== 'string' || !issuers.includes(claims.iss)) throw accessTokenRefusal('issuer')
  if (![claims.aud].flat().includes(settings.audience)) throw accessTokenRefusal('audience')
}

// RFC 7515 §7.1. Decoders also accept blanks, padding and the other alphabet, which would give one token many spellings.
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]*$/

function decode(token: string): { header: ProtectedHeaderParameters; claims: JWTPayload } {
  if (!COMPACT.test(token)) throw accessTokenRefusal('malformed')
  try {
    return { header: decodeProtectedHeader(token), claims: decodeJwt(token) }
  } catch {
    throw accessTokenRefusal('malformed')
  }
}

/** RFC 9068 §2.1 demands `at+jwt`; most providers send `JWT` or nothing by default. */
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
  // The token is bound to a key (RFC 7800: DPoP, mutual TLS). We cannot check that the sender has it, so a stolen token would work too.
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
 * Recognises tokens of other kinds that carry our audience: a `typ` other than Bearer, and claims of ID, logout and event tokens. If our
 * audience is also the login client, as with Entra, `nonce` marks an ID token too, and an access token must have `scope` or `scp`.
 */
function isOtherKind(claims: JWTPayload, settings: AccessTokenSettings): boolean {
  const keycloakType = claims['typ']
  if (typeof keycloakType === 'string' && keycloakType !== 'Bearer') return true
  if (['at_hash', 'c_hash', 's_hash', 'events'].some((claim) => Object.hasOwn(claims, claim))) return true
  const audiences = [claims.aud].flat()
  if (!audiences.includes(settings.clientId)) return false
  return Object.hasOwn(claims, 'nonce') || (claims['scope'] ?? claims['scp']) === undefined
}
