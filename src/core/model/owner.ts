import { CredentialVaultError } from './errors.ts'

/**
 * The owner of a credential: a verified OpenID Connect issuer and subject (OpenID Connect Core 1.0 §2). `subject` is unique only within its
 * issuer, so it identifies no one alone.
 *
 * Both are 1 to 255 UTF-16 units, well-formed, without control characters, and compared exactly: no case folding, no trimming, no Unicode
 * normalisation.
 */
export interface Owner {
  readonly issuer: string
  readonly subject: string
}

/** A person as a verified access token or browser login describes them. */
export interface User extends Owner {
  /** OAuth client that acts for the person, from the token's `client_id` or `azp`. */
  readonly clientId?: string
  /** For display on the user's own pages only. */
  readonly displayName?: string
}

export const MAX_IDENTITY_LENGTH = 255

export function sameOwner(a: Owner, b: Owner): boolean {
  return a.issuer === b.issuer && a.subject === b.subject
}

/** Returns the error for a call that names two users. */
export function twoUsers(): CredentialVaultError {
  return new CredentialVaultError(
    'owner_unknown',
    "userContext names a different user from the request's own token. A queue or pool in front of a gate runs one call in another call's context: " +
      'leave userContext out, and the verified token of the request is used.',
    { reason: 'two_users' },
  )
}

/** Returns a text that differs for every owner, for use as a key in memory. It is not hashed, so do not store or log it. */
export function ownerKey({ issuer, subject }: Owner): string {
  return JSON.stringify([issuer, subject])
}

/** Returns issuer and subject alone, checked. Throws `owner_unknown` if either cannot identify a person reliably. */
export function checkOwner(candidate: Owner): Owner {
  return { issuer: checkPart(candidate.issuer, 'issuer'), subject: checkPart(candidate.subject, 'subject') }
}

function checkPart(value: unknown, part: 'issuer' | 'subject'): string {
  if (typeof value !== 'string' || value.length === 0) {
    throw new CredentialVaultError('owner_unknown', `The verified identity has no ${part}.`, {
      reason: `${part}_missing`,
    })
  }
  if (value.length > MAX_IDENTITY_LENGTH) {
    throw new CredentialVaultError(
      'owner_unknown',
      `The identity's ${part} is longer than ${MAX_IDENTITY_LENGTH} characters.`,
      {
        reason: `${part}_too_long`,
      },
    )
  }
  // Lone surrogates all encode to U+FFFD, so two different strings would become the same owner.
  if (!isWellFormed(value) || hasControlCharacter(value)) {
    throw new CredentialVaultError(
      'owner_unknown',
      `The identity's ${part} contains characters that no identity may contain.`,
      {
        reason: `${part}_malformed`,
      },
    )
  }
  return value
}

export function isWellFormed(text: string): boolean {
  return !/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(text)
}

export function hasControlCharacter(text: string): boolean {
  return /\p{Cc}/u.test(text)
}
