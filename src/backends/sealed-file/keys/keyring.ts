import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { deriveKey } from '../../../core/crypto/derive-key.ts'
import type { FoundKey } from '../../../core/crypto/key-source.ts'
import { keyId } from '../../../core/crypto/key-text.ts'
import {
  decrypt,
  encrypt,
  hash,
  KEY_BYTES,
  type KeyPair,
  sealKeyPair,
  signKeyPair,
} from '../../../core/crypto/sodium.ts'
import { CredentialVaultError } from '../../../core/model/errors.ts'

/**
 * The keys of one store that a process holds: all of them, or those of one tier. New records use the first key of each list; the others
 * are for older records.
 */
export interface StoreKeyring {
  /** Random name of the store. A record of another store is refused even if the keys are the same. */
  readonly store: string
  readonly sealKeys: KeyList<NamedKey>
  readonly signKeys: KeyList<NamedKey>
  /** The keys of marks, in a process that cannot derive them from the signing keys. */
  readonly markKeys?: KeyList<NamedKey>
  /** Key of the hash that names the records. It never changes, since every name would change with it. */
  readonly indexKey: Uint8Array
  /** Counts the changes of the keyring, from 1, so that a running process recognises an older one that is restored. */
  readonly generation: number
  /** Seal keys that were removed, newest first. An old copy of the keyring may still hold them. */
  readonly retired: readonly RetiredKey[]
}

/** All keys. The keyring file holds them, encrypted with the master key, so that a new master key rewrites one small file only. */
export interface Keyring extends StoreKeyring {
  readonly sealKeys: KeyList<NamedKeyPair>
  readonly signKeys: KeyList<NamedKeyPair>
}

export interface NamedKey {
  readonly id: string
  /** Unix milliseconds. */
  readonly createdAt: number
  readonly publicKey: Uint8Array
  /** Undefined in a process whose tier must not use it. */
  readonly privateKey?: Uint8Array | undefined
}

export interface NamedKeyPair extends KeyPair {
  readonly id: string
  /** Unix milliseconds. */
  readonly createdAt: number
}

export interface RetiredKey {
  readonly id: string
  /** Unix milliseconds: when the next key replaced it. */
  readonly replacedAt: number
}

export type KeyList<K extends NamedKey = NamedKeyPair> = readonly [K, ...K[]]

const FORMAT = 'mcv-keyring-v1'

const bytesOf = (length: number) =>
  z
    .string()
    .transform((text): Uint8Array => Buffer.from(text, 'base64url'))
    .refine((bytes) => bytes.length === length)

const keyList = (privateLength: number) => {
  const pair = z.strictObject({
    id: z.string(),
    // Keyrings that were made before keys could be rotated do not say when.
    createdAt: z.int().default(0),
    publicKey: bytesOf(32),
    privateKey: bytesOf(privateLength),
  })
  return z.tuple([pair], pair)
}

const contentSchema = z.strictObject({
  store: z.string(),
  sealKeys: keyList(32),
  signKeys: keyList(64),
  indexKey: bytesOf(KEY_BYTES),
  generation: z.int().min(1).default(1),
  retired: z.array(z.strictObject({ id: z.string(), replacedAt: z.int() })).default([]),
})

const headerSchema = z.strictObject({
  store: z.string(),
  key: z.string().regex(/^[0-9a-f]{4}-[0-9a-f]{4}$/),
  /** Id of the newest seal key, so that a process with an earlier store key knows whether it still writes with the newest. */
  newest: z.string().optional(),
})

export type KeyringHeader = Readonly<z.output<typeof headerSchema>>

export function createKeyring(): Keyring {
  return {
    store: randomBytes(12).toString('base64url'),
    sealKeys: [named(sealKeyPair())],
    signKeys: [named(signKeyPair())],
    indexKey: randomBytes(KEY_BYTES),
    generation: 1,
    retired: [],
  }
}

/** Adds a new pair of each kind, which all new records use. */
export function rotated(keyring: Keyring): Keyring {
  return {
    ...keyring,
    sealKeys: [named(sealKeyPair()), ...keyring.sealKeys],
    signKeys: [named(signKeyPair()), ...keyring.signKeys],
    generation: keyring.generation + 1,
  }
}

/** Removes all pairs but the newest of each kind. */
export function withoutOldKeys(keyring: Keyring): Keyring {
  const [newestSeal, ...old] = keyring.sealKeys
  const gone = old.map(({ id }, i) => ({ id, replacedAt: keyring.sealKeys[i]?.createdAt ?? 0 }))
  return {
    ...keyring,
    sealKeys: [newestSeal],
    signKeys: [keyring.signKeys[0]],
    generation: keyring.generation + 1,
    retired: [...gone, ...keyring.retired],
  }
}

export function findKeyPair<K extends NamedKey>(keys: KeyList<K>, id: string): K | undefined {
  return keys.find((key) => key.id === id)
}

/**
 * The pair, for what only a private key does.
 *
 * @param deed what it is needed for, e.g. `read`
 * @throws `forbidden` in a process whose tier does not have it
 */
export function pairOf(key: NamedKey, deed: 'read' | 'save' | 'mark'): KeyPair {
  const { publicKey, privateKey } = key
  if (privateKey) return { publicKey, privateKey }
  throw new CredentialVaultError(
    'forbidden',
    `This process has a bundle without the key to ${deed}. Only the other tier of the server has it.`,
    { reason: 'other_tier' },
  )
}

/**
 * Writes three lines: format, header (store and key id, readable without a key), and the keys encrypted with XChaCha20-Poly1305 and bound
 * to both.
 */
export function lockKeyring(keyring: Keyring, masterKey: Uint8Array): Buffer {
  const names: KeyringHeader = { store: keyring.store, key: keyId(masterKey), newest: keyring.sealKeys[0].id }
  const header = Buffer.from(JSON.stringify(names)).toString('base64url')
  const context = `${FORMAT}\n${header}\n`
  const content = Buffer.from(JSON.stringify(plain(keyring)))
  const locked = encrypt(lockingKey(masterKey), content, Buffer.from(context))
  content.fill(0)
  return Buffer.from(`${context}${Buffer.from(locked).toString('base64url')}\n`)
}

/** @throws `key_wrong` when another key encrypted it, `record_tampered` when its content was changed */
export function unlockKeyring(file: Buffer, found: FoundKey, path: string): Keyring {
  const lockedWith = keyOfKeyring(file)
  if (lockedWith === undefined) throw damaged(path)
  if (lockedWith !== keyId(found.key)) {
    throw new CredentialVaultError(
      'key_wrong',
      `The store's keyring ${path} is locked with key ${lockedWith}; ${found.source} holds key ${keyId(found.key)}. Nothing was changed or deleted. ` +
        `Configure key ${lockedWith}. Do not delete the store and do not create a new key for it: without key ${lockedWith} its credentials cannot be read again.`,
      { reason: 'keyring' },
    )
  }
  const [format, header, locked] = file.toString('latin1').split('\n')
  const content = decrypt(
    lockingKey(found.key),
    Buffer.from(locked ?? '', 'base64url'),
    Buffer.from(`${format}\n${header}\n`),
  )
  if (!content) throw damaged(path)
  const keyring = contentSchema.safeParse(JSON.parse(Buffer.from(content).toString()))
  content.fill(0)
  if (!keyring.success) throw damaged(path)
  return keyring.data
}

/** Returns the id of the key that encrypted a keyring, or undefined for a file that is no keyring. */
export function keyOfKeyring(file: Buffer): string | undefined {
  return headerOfKeyring(file)?.key
}

/** Returns what a keyring says without its key. Anyone who can write the file can forge it. */
export function headerOfKeyring(file: Buffer): KeyringHeader | undefined {
  const [format, header, locked, end] = file.toString('latin1').split('\n')
  if (format !== FORMAT || header === undefined || locked === undefined || end !== '') return undefined
  try {
    return headerSchema.parse(JSON.parse(Buffer.from(header, 'base64url').toString()))
  } catch {
    return undefined
  }
}

function lockingKey(masterKey: Uint8Array): Uint8Array {
  return deriveKey(masterKey, 'store keyring lock')
}

function named(pair: KeyPair): NamedKeyPair {
  return { id: Buffer.from(hash(pair.publicKey)).toString('hex').slice(0, 8), createdAt: Date.now(), ...pair }
}

function plain(keyring: Keyring): object {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')
  const pair = ({ id, createdAt, publicKey, privateKey }: NamedKeyPair) => ({
    id,
    createdAt,
    publicKey: text(publicKey),
    privateKey: text(privateKey),
  })
  return {
    store: keyring.store,
    sealKeys: keyring.sealKeys.map(pair),
    signKeys: keyring.signKeys.map(pair),
    indexKey: text(keyring.indexKey),
    generation: keyring.generation,
    retired: keyring.retired,
  }
}

function damaged(path: string): CredentialVaultError {
  return new CredentialVaultError(
    'record_tampered',
    `The store's keyring ${path} is damaged or was changed. Nothing was changed or deleted. Restore that file from a backup; do not delete it and do not create a new key.`,
    { reason: 'keyring' },
  )
}
