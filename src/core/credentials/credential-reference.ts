import { z } from 'zod'
import type { Sealer, SealerPurposes } from '../crypto/seal.ts'
import { CredentialVaultError } from '../model/errors.ts'
import { type Owner, sameOwner } from '../model/owner.ts'

declare const referenceBrand: unique symbol

/** Names a credential and contains nothing readable: sealed, bound to provider, owner and expiry. */
export type CredentialReference = string & { readonly [referenceBrand]: true }

const contentSchema = z.strictObject({
  provider: z.string(),
  issuer: z.string(),
  subject: z.string(),
  /** Present when the reference lives only as long as the tool call that made it. */
  call: z.string().optional(),
})

export interface NewReference {
  readonly provider: string
  readonly owner: Owner
  readonly call?: string | undefined
}

export interface ReferenceContent extends NewReference {
  readonly reference: CredentialReference
}

/** Seals and opens references, and nothing else. */
export type ReferenceSealer = Pick<Sealer<'reference'>, 'seal' | 'open'>

export const REFERENCE_PURPOSES = { seal: ['reference'], mac: [] } as const satisfies SealerPurposes

export function sealReference(sealer: ReferenceSealer, content: NewReference, expiresAt: number): CredentialReference {
  const { provider, owner, call } = content
  const value = { provider, issuer: owner.issuer, subject: owner.subject, ...(call === undefined ? {} : { call }) }
  return sealer.seal('reference', value, expiresAt) as CredentialReference
}

/** Opens a reference for the owner that presents it. Returns undefined if anything is wrong with it. */
export function openReference(
  sealer: ReferenceSealer,
  text: unknown,
  providers: ReadonlySet<string>,
  owner: Owner | undefined,
): ReferenceContent | undefined {
  if (typeof text !== 'string' || !owner) return undefined
  const content = contentSchema.safeParse(sealer.open('reference', text))
  if (!content.success || !providers.has(content.data.provider) || !sameOwner(content.data, owner)) return undefined
  const { provider, issuer, subject, call } = content.data
  return { provider, owner: { issuer, subject }, call, reference: text as CredentialReference }
}

/** One error for every bad reference, so that it does not reveal the owner, or whether the reference was ever valid. */
export function invalidReference(): CredentialVaultError {
  return new CredentialVaultError(
    'reference_invalid',
    'This credential reference is not valid here: it has expired, was changed, or was made for another owner or provider.',
  )
}
