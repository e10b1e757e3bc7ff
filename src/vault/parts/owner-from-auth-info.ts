import { z } from 'zod'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import { checkOwner, type User } from '../../core/model/owner.ts'

/** Returns the user that a verifier's `authInfo` names, or undefined if it names none. */
export type OwnerFrom = (authInfo: unknown) => User | undefined

const schema = z.object({
  clientId: z.string().optional(),
  extra: z.object({ iss: z.string(), sub: z.string(), name: z.string().optional() }),
})

/** Reads the SDK's `AuthInfo` as our bearer gate fills it: `extra.iss`, `extra.sub`, `clientId`. */
export function ownerFromAuthInfo(authInfo: unknown): User | undefined {
  const parsed = schema.safeParse(authInfo)
  if (!parsed.success) return undefined
  const { clientId, extra } = parsed.data
  try {
    return {
      ...checkOwner({ issuer: extra.iss, subject: extra.sub }),
      ...(clientId === undefined || clientId === '' ? {} : { clientId }),
      ...(extra.name === undefined ? {} : { displayName: extra.name }),
    }
  } catch (error) {
    if (isCredentialVaultError(error)) return undefined
    throw error
  }
}
