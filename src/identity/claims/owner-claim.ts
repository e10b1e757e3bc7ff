import type { JWTPayload } from 'jose'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import { checkOwner, type Owner } from '../../core/model/owner.ts'
import type { Refuse } from './token-problem.ts'

/** Claims whose value may be reassigned to another person or never identifies one (OpenID Connect Core 1.0 §5.7). */
export const REASSIGNABLE_CLAIMS: readonly string[] = [
  'email',
  'preferred_username',
  'upn',
  'unique_name',
  'name',
  'nickname',
  'given_name',
  'family_name',
  'phone_number',
  'iss',
  'aud',
  'azp',
  'client_id',
  'jti',
  'sid',
  'nonce',
]

/**
 * Reads the owner from verified claims. The owner's issuer is always the configured one, because aliases in `iss` mean the same people and
 * must not make two owners of one.
 */
export function ownerFromClaims(claims: JWTPayload, issuer: string, claim: string, refuse: Refuse): Owner {
  const subject = Object.hasOwn(claims, claim) ? claims[claim] : undefined
  if (subject === undefined || subject === null || subject === '') throw refuse('subject_missing')
  if (typeof subject !== 'string') throw refuse('subject_malformed')
  try {
    return checkOwner({ issuer, subject })
  } catch (error) {
    if (isCredentialVaultError(error, 'owner_unknown')) throw refuse('subject_malformed')
    throw error
  }
}
