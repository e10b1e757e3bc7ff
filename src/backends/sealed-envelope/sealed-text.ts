import { z } from 'zod'
import { canonicalBase64url } from '../../core/crypto/base64url.ts'
import { padded, unpadded } from '../../core/crypto/padding.ts'
import { decrypt, encryptAlike, keyedHash, wipe } from '../../core/crypto/sodium.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { parsedJson } from '../../core/model/json.ts'
import type { StorageKey } from '../../core/model/storage-key.ts'
import { SEALED_FIELD } from '../../core/model/stored-values.ts'
import type { CredentialValues } from '../../core/model/variables.ts'
import { type EnvelopeKey, type EnvelopeKeys, placeOf } from './envelope-keys.ts'

/**
 * The one text that the store holds in place of a credential's values:
 *
 * ```
 * mcv-sealed-v1 . key id . base64url( keyed hash of the path ) . base64url( nonce || XChaCha20-Poly1305( values, JSON, padded ) )
 * ```
 *
 * The additional data consist of the purpose, everything before the last dot, and the path `provider/issuer/subject`, so the text opens
 * only for its own credential. The key id and the hash of the path also select the error message; a text in which they were changed does
 * not open.
 *
 * The vendor's version is not known before the write, so an earlier text of the same credential opens as well.
 */
const FORMAT = 'mcv-sealed-v1'
const PURPOSE = 'credential'
const TEXT = /^mcv-sealed-v1\.([0-9a-f]{4}-[0-9a-f]{4})\.([\w-]{22})\.([\w-]+)$/
/** Characters. The largest credential takes 23000. */
const MAX_LENGTH = 65_536

const valuesSchema = z.record(z.string(), z.string())

/** Why a stored value does not open. `not_sealed`: it has no sealed field. */
export type SealFault = 'not_sealed' | 'format' | 'swapped' | 'seal'

export type OpenedText =
  | { readonly values: CredentialValues; readonly keyId: string }
  | { readonly fault: SealFault }
  | { readonly fault: 'unknown_seal_key'; readonly keyId: string }

/**
 * Seals the values. One operation always gives the same text, because AWS refuses a repeated request with another text.
 *
 * @throws `configuration_invalid` (`credential_too_large`) for values that no read would accept
 */
export function sealedText(
  values: CredentialValues,
  { path, provider }: StorageKey,
  operationId: string,
  key: EnvelopeKey,
): string {
  const header = `${FORMAT}.${key.id}.${placeOf(key, path)}`
  const json = Buffer.from(JSON.stringify(values))
  const content = padded(json)
  wipe(json)
  const named = Buffer.concat([Buffer.from(`${JSON.stringify([header, path, operationId])}\n`), content])
  const box = encryptAlike(key.seal, content, contextOf(header, path), keyedHash(key.nonce, named))
  wipe(content)
  wipe(named)
  const text = `${header}.${Buffer.from(box).toString('base64url')}`
  if (text.length <= MAX_LENGTH) return text
  throw new CredentialVaultError(
    'configuration_invalid',
    `The credential for ${provider} is too large to be sealed. Nothing was changed: use shorter values.`,
    { reason: 'credential_too_large' },
  )
}

/** Opens the fields that the store holds for this credential. */
export function openSealed(
  stored: Readonly<Record<string, unknown>>,
  { path }: Pick<StorageKey, 'path'>,
  keys: EnvelopeKeys,
): OpenedText {
  if (!Object.hasOwn(stored, SEALED_FIELD)) return { fault: 'not_sealed' }
  const parts = partsOf(stored)
  if (!parts) return { fault: 'format' }
  const { keyId, place, box } = parts
  const key = keys.find(({ id }) => id === keyId)
  if (!key) return { fault: 'unknown_seal_key', keyId }
  if (place !== placeOf(key, path)) return { fault: 'swapped' }
  const content = decrypt(key.seal, box, contextOf(`${FORMAT}.${keyId}.${place}`, path))
  if (!content) return { fault: 'seal' }
  const bytes = unpadded(content)
  const values = valuesSchema.safeParse(bytes && parsedJson(Buffer.from(bytes).toString())).data
  wipe(content)
  return values ? { values, keyId } : { fault: 'format' }
}

/** Returns undefined if the text has another form, or if other fields are stored beside it. */
function partsOf(stored: Readonly<Record<string, unknown>>) {
  const text = stored[SEALED_FIELD]
  if (Object.keys(stored).length > 1 || typeof text !== 'string' || text.length > MAX_LENGTH) return undefined
  const [, keyId, place, boxText] = TEXT.exec(text) ?? []
  const box = boxText === undefined ? undefined : canonicalBase64url(boxText)
  return keyId === undefined || place === undefined || !box ? undefined : { keyId, place, box }
}

function contextOf(header: string, path: string): Buffer {
  return Buffer.from(`${PURPOSE} ${header} ${path}`)
}
