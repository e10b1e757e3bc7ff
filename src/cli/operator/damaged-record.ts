import { isCredentialVaultError } from '../../core/model/errors.ts'
import { ownerKey } from '../../core/model/owner.ts'
import { type StorageKey, storageKey } from '../../core/model/storage-key.ts'
import type { StoredCredential } from '../../core/ports/secret-backend.ts'
import { credentialName, type OperatorCredentials } from './operator-access.ts'

/** Whether a message names a file of this credential. `location` ends in `*`, in place of the file's number, in stores of files alone. */
export function isPlaceIn(message: string | undefined, location: string): boolean {
  return location.endsWith('*') && message?.includes(location.slice(0, -1)) === true
}

/** Most places that are compared, which takes about a second. */
const MOST = 100_000

/**
 * Says whose damaged record an error is about, if it is a further credential of an owner in the list for a provider in the list. The file's
 * own name is a hash.
 */
export function damagedOwnerText(
  error: unknown,
  listed: readonly StoredCredential[],
  credentials: Pick<OperatorCredentials, 'locate'>,
): string {
  if (!isCredentialVaultError(error, 'record_tampered', 'record_replayed')) return ''
  const key = candidates(listed).find((one) => isPlaceIn(error.message, credentials.locate(one)))
  if (key) return `The damaged record is that of ${credentialName(key)}.\n`
  return 'Whose record is damaged cannot be told from the list. "audit show --type record.tampered" names the owner once a call has met it.\n'
}

function candidates(listed: readonly StoredCredential[]): readonly StorageKey[] {
  const providers = [...new Set(listed.map(({ key }) => key.provider))]
  const owners = new Map(listed.map(({ key: { owner } }) => [ownerKey(owner), owner]))
  if (providers.length * owners.size > MOST) return []
  return [...owners.values()].flatMap((owner) => providers.map((provider) => storageKey(provider, owner)))
}
