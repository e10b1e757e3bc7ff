import { CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import { decodePart, encodePart, hashPart, type StorageKey, storageKey } from '../../core/model/storage-key.ts'

/**
 * `readable`: operators find a person by name. `hashed`: issuer and subject are SHA-256 hashes, so that audit logs and listings of the
 * vendor name nobody; they are kept beside the credential, for listing. Changing the style loses sight of what is stored already.
 */
export type NameStyle = 'readable' | 'hashed'

/** What a credential is called at a vendor: `provider/issuer/subject`. */
export interface VendorName {
  readonly path: string
  /** The parts that cannot be read back from the path. */
  readonly hidden: Partial<StorageKey['owner']>
}

export function vendorName(key: StorageKey, style: NameStyle): VendorName {
  const { issuer, subject } = key.owner
  return {
    path: vendorPath(key, style),
    hidden: {
      ...(decodePart(named(issuer, style)) === undefined && { issuer }),
      ...(decodePart(named(subject, style)) === undefined && { subject }),
    },
  }
}

/** The path alone, which is all that a read needs. */
export function vendorPath({ provider, owner, path }: StorageKey, style: NameStyle): string {
  return style === 'readable' ? path : `${provider}/${named(owner.issuer, style)}/${named(owner.subject, style)}`
}

function named(text: string, style: NameStyle): string {
  return style === 'hashed' ? hashPart(text) : encodePart(text)
}

/** The key whose name this is; undefined for a name that is none of ours, or whose hidden parts do not belong to it. */
export function keyOfName(path: string, hidden: VendorName['hidden'], style: NameStyle): StorageKey | undefined {
  const [provider, issuerPart, subjectPart, ...more] = path.split('/')
  if (!provider || !issuerPart || !subjectPart || more.length > 0) return undefined
  const issuer = decodePart(issuerPart) ?? hidden.issuer
  const subject = decodePart(subjectPart) ?? hidden.subject
  if (issuer === undefined || subject === undefined) return undefined
  try {
    const key = storageKey(provider, { issuer, subject })
    return vendorName(key, style).path === path ? key : undefined
  } catch (error) {
    if (isCredentialVaultError(error)) return undefined
    throw error
  }
}

/** A credential that is there and cannot be listed is said, not passed over. */
export function unlisted(place: string): CredentialVaultError {
  return new CredentialVaultError(
    'record_tampered',
    `${place} is not a credential of this library, or has lost the labels that name its owner. Everything else was listed.`,
    { reason: 'unknown_name' },
  )
}
