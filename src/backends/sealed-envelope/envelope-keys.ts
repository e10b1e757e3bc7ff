import { deriveKey } from '../../core/crypto/derive-key.ts'
import { type FoundKey, findKey, keyFromFile } from '../../core/crypto/key-source.ts'
import { keyId, parseKey } from '../../core/crypto/key-text.ts'
import { keyedHash, wipe } from '../../core/crypto/sodium.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'

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
  readonly previousKeys?: readonly string[] | undefined
  readonly previousKeyFiles?: readonly string[] | undefined
  readonly warn: (message: string) => void
}

const VARIABLE = 'MCP_SEALED_ENVELOPE_KEY'
const PREVIOUS = 'MCP_SEALED_ENVELOPE_PREVIOUS_KEYS'
const PREVIOUS_FILES = 'MCP_SEALED_ENVELOPE_PREVIOUS_KEY_FILES'

/**
 * @throws `key_missing` (`no_key`), `key_malformed`, `key_exposed`, and `configuration_invalid` for two sources of the key, an unreadable
 * file, or the same key twice (`same_key`)
 */
export function findEnvelopeKeys(
  { key, keyFile, warn, ...previous }: EnvelopeKeySources,
  environment: NodeJS.ProcessEnv = process.env,
): EnvelopeKeys {
  const write = findKey({ name: VARIABLE, text: key, file: keyFile, warn }, environment)
  if (!write) throw noKey()
  const found = [write, ...previousKeys(previous, environment, warn)]
  const known = new Map<string, string>()
  for (const { key: bytes, source } of found) {
    const other = known.get(keyId(bytes))
    if (other !== undefined) throw sameKey(source, other, keyId(bytes))
    known.set(keyId(bytes), source)
  }
  const keys = found.map(({ key: bytes }) => {
    const made = envelopeKey(bytes)
    wipe(bytes)
    return made
  })
  const [first, ...rest] = keys
  if (!first) throw noKey()
  return [first, ...rest]
}

function previousKeys(
  { previousKeys: texts, previousKeyFiles: files }: Pick<EnvelopeKeySources, 'previousKeys' | 'previousKeyFiles'>,
  environment: NodeJS.ProcessEnv,
  warn: (message: string) => void,
): readonly FoundKey[] {
  const textName = texts ? 'sealedEnvelope.previousKeys' : PREVIOUS
  const fileName = files ? 'sealedEnvelope.previousKeyFiles' : PREVIOUS_FILES
  return [
    ...(texts ?? words(environment[PREVIOUS])).map((text, at) => {
      const source = `key ${at + 1} of ${textName}`
      return { key: parseKey(text, source), source }
    }),
    ...(files ?? words(environment[PREVIOUS_FILES])).map((path) => keyFromFile(fileName, path, warn)),
  ]
}

/** Splits a variable that lists several values at blanks and commas. */
function words(text = ''): readonly string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '')
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

function sameKey(source: string, other: string, id: string): CredentialVaultError {
  return new CredentialVaultError(
    'configuration_invalid',
    `${source} is the same key ${id} as ${other}. Name each key once: the new one seals, and the earlier ones open what they have sealed.`,
    { reason: 'same_key' },
  )
}
