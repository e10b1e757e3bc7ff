import { findAcceptedKeys } from '../../core/crypto/accepted-keys.ts'
import { deriveKey } from '../../core/crypto/derive-key.ts'
import { findKey } from '../../core/crypto/key-source.ts'
import { keyId } from '../../core/crypto/key-text.ts'
import { keyedHash, wipe } from '../../core/crypto/sodium.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import type { KeyUse } from '../../core/ports/store-keys.ts'

/** One configured key, as three keys for three uses. None of them reveals another. */
export interface EnvelopeKey {
  /** Eight hex digits that identify the key, e.g. `7f3a-91c2`. */
  readonly id: string
  readonly seal: Uint8Array
  readonly nonce: Uint8Array
  readonly place: Uint8Array
}

/** The first key seals. All of them open, found by their ids. */
export type EnvelopeKeys = readonly [EnvelopeKey, ...EnvelopeKey[]]

export interface EnvelopeKeySources {
  readonly key?: string | undefined
  readonly keyFile?: string | undefined
  readonly acceptedKeys?: readonly string[] | undefined
  readonly acceptedKeysFile?: string | undefined
  readonly warn: (message: string) => void
  readonly onFound?: ((use: KeyUse) => void) | undefined
}

const VARIABLE = 'MCP_SEALED_ENVELOPE_KEY'

/**
 * @throws `key_missing` (`no_key`), `key_malformed`, `key_exposed`, and `configuration_invalid` for two sources of a key, an unreadable
 * file, or the same key twice (`same_key`)
 */
export function findEnvelopeKeys(
  { key, keyFile, warn, onFound, acceptedKeys: texts, acceptedKeysFile: file }: EnvelopeKeySources,
  environment: NodeJS.ProcessEnv = process.env,
): EnvelopeKeys {
  const write = findKey({ name: VARIABLE, text: key, file: keyFile, warn, onFound }, environment)
  if (!write) throw noKey()
  const option = 'sealedEnvelope.acceptedKeys'
  const source = { name: VARIABLE, option, texts, file, current: write.key, derived: undefined, warn, onFound } as const
  const accepted = findAcceptedKeys(source, environment)
  return [made(write.key), ...accepted.map(made)]
}

/** Wipes the configured key, of which only the derived ones are needed. */
function made(key: Uint8Array): EnvelopeKey {
  const derived = envelopeKey(key)
  wipe(key)
  return derived
}

function envelopeKey(key: Uint8Array): EnvelopeKey {
  const derived = (use: string) => deriveKey(key, `sealed envelope ${use}`)
  return { id: keyId(key), seal: derived('seal'), nonce: derived('nonce'), place: derived('place') }
}

/** Returns a keyed hash of the credential's path, which tells a record of another credential from a changed one. */
export function placeOf({ place }: EnvelopeKey, path: string): string {
  return Buffer.from(keyedHash(place, Buffer.from(path), 16)).toString('base64url')
}

export function wipeKeys(keys: EnvelopeKeys): void {
  for (const { seal, nonce, place } of keys) for (const bytes of [seal, nonce, place]) wipe(bytes)
}

function noKey(): CredentialVaultError {
  return new CredentialVaultError(
    'key_missing',
    `The sealed envelope needs a key: sealedEnvelope.key and sealedEnvelope.keyFile are not set, nor are ${VARIABLE} and ${VARIABLE}_FILE. ` +
      `If the store holds sealed values, configure the key that sealed them. Otherwise run "mcp-credential-vault keygen", keep the key safe and set ${VARIABLE}_FILE to its file.`,
    { reason: 'no_key' },
  )
}
