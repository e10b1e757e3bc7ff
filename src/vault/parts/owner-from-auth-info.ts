import { isCredentialVaultError } from '../../core/model/errors.ts'
import { checkOwner, type User } from '../../core/model/owner.ts'

/** Returns the user that a verifier's `authInfo` names, or undefined if it names none. */
export type OwnerFrom = (authInfo: unknown) => User | undefined

interface Unchecked {
  readonly clientId?: unknown
  readonly extra?: { readonly iss?: unknown; readonly sub?: unknown; readonly name?: unknown } | null
}

/** Reads the SDK's `AuthInfo` as our bearer gate fills it: `extra.iss`, `extra.sub`, `clientId`. */
export function ownerFromAuthInfo(authInfo: unknown): User | undefined {
  // By hand, because each call needs it.
  const { clientId = '', extra }: Unchecked = authInfo ?? {}
  const { iss, sub, name } = extra ?? {}
  if (typeof iss !== 'string' || typeof sub !== 'string') return undefined
  if (typeof clientId !== 'string' || (name !== undefined && typeof name !== 'string')) return undefined
  try {
    return {
      ...checkOwner({ issuer: iss, subject: sub }),
      ...(clientId === '' ? {} : { clientId }),
      ...(name === undefined ? {} : { displayName: name }),
    }
  } catch (error) {
    if (isCredentialVaultError(error)) return undefined
    throw error
  }
}
