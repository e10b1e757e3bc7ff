import { CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import { decodePart, encodePart, hashPart, type StorageKey, storageKey } from '../../core/model/storage-key.ts'

/**
 * `readable`: operators find a person by name. `hashed`: issuer and subject are SHA-256 hashes, so that the vendor's audit logs and
 * listings identify no person; labels beside the credential keep them for `list`. After a change of style, stored credentials are no longer
 * found.
 */
export type NameStyle = 'readable' | 'hashed'

/** A credential's name at a vendor: `provider/issuer/subject`. */
export interface VendorName {
  readonly path: string
  /** The parts that the path only has as hashes. */
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

/** Returns the path alone, which is enough for a read. */
export function vendorPath({ provider, owner, path }: StorageKey, style: NameStyle): string {
  return style === 'readable' ? path : `${provider}/${named(owner.issuer, style)}/${named(owner.subject, style)}`
}

function named(text: string, style: NameStyle): string {
  return style === 'hashed' ? hashPart(text) : encodePart(text)
}

/** Returns the key with this name, or undefined when the name is not ours or the hidden parts do not match it. */
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

/** Reports a stored credential that cannot be listed, instead of skipping it. */
export function unlisted(place: string): CredentialVaultError {
  return new CredentialVaultError(
    'record_tampered',
    `${place} is not a credential of this library, or has lost the labels that name its owner. Everything else was listed.`,
    { reason: 'unknown_name' },
  )
}
