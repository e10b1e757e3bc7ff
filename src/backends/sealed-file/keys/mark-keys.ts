import { deriveKey } from '../../../core/crypto/derive-key.ts'
import { signKeyPairFrom } from '../../../core/crypto/sodium.ts'
import type { KeyList, NamedKey, StoreKeyring } from './keyring.ts'

const derived = new WeakMap<StoreKeyring, KeyList<NamedKey>>()

/**
 * The keys that sign marks, newest first. Each follows one-way from a signing key, so that a process which may mark a rejected version but
 * not make a record can be given the one without the other. No record is accepted under such a key.
 */
export function markKeysOf(keyring: StoreKeyring): KeyList<NamedKey> {
  const known = keyring.markKeys ?? derived.get(keyring)
  if (known) return known
  const [newest, ...older] = keyring.signKeys
  const keys: KeyList<NamedKey> = [markKeyOf(newest), ...older.map(markKeyOf)]
  derived.set(keyring, keys)
  return keys
}

function markKeyOf({ id, createdAt, privateKey }: NamedKey): NamedKey {
  if (!privateKey) throw new TypeError('the key of marks follows from a private key')
  return { id: `mark-${id}`, createdAt, ...signKeyPairFrom(deriveKey(privateKey, 'store mark key')) }
}
