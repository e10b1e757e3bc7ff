import { z } from 'zod'
import { canonicalBase64url } from '../../core/crypto/base64url.ts'
import { sign, verifySignature } from '../../core/crypto/sodium.ts'
import { parsedJson } from '../../core/model/json.ts'
import { findKeyPair, pairOf, type StoreKeyring } from './keys/keyring.ts'
import { markKeysOf } from './keys/mark-keys.ts'

/**
 * The mark that a service has rejected one version, as a file of three lines beside the record, each ended by LF:
 *
 * ```
 * mcv-rejection-v1
 * base64url( header, JSON )
 * base64url( Ed25519( lines 1 and 2 ) )
 * ```
 *
 * The header binds the mark to its store, credential and version. A mark that fails a check is ignored, because a forged one must neither
 * put a credential out of use nor lock its owner out. A mark that is erased costs one more rejected request.
 */
const FORMAT = 'mcv-rejection-v1'

const headerSchema = z.strictObject({
  store: z.string(),
  /** The record's id. */
  id: z.string(),
  /** Random name of the version. No other version has it, so the mark of another one does not count. */
  version: z.string().min(1),
  /** Unix milliseconds. */
  at: z.int().min(0),
  signKey: z.string(),
})

/** The version that a mark is about. */
export interface MarkedVersion {
  readonly id: string
  readonly version: string
}

export function encodeMark({ id, version }: MarkedVersion, rejectedAt: Date, keyring: StoreKeyring): Buffer {
  const [signKey] = markKeysOf(keyring)
  const header = { store: keyring.store, id, version, at: rejectedAt.getTime(), signKey: signKey.id }
  const signed = `${FORMAT}\n${Buffer.from(JSON.stringify(headerSchema.parse(header))).toString('base64url')}\n`
  return Buffer.from(
    `${signed}${Buffer.from(sign(Buffer.from(signed), pairOf(signKey, 'mark').privateKey)).toString('base64url')}\n`,
  )
}

/** Returns when the version was rejected, or undefined if the file is not a valid mark of it. */
export function openMark(bytes: Buffer, { id, version }: MarkedVersion, keyring: StoreKeyring): Date | undefined {
  const [format, headerLine = '', signature = '', end, ...more] = bytes.toString('latin1').split('\n')
  if (format !== FORMAT || end !== '' || more.length > 0) return undefined
  const header = headerSchema.safeParse(parsedJson(Buffer.from(headerLine, 'base64url').toString())).data
  // Marks made before they had keys of their own are signed as records are.
  const signer = header && findKeyPair([...markKeysOf(keyring), ...keyring.signKeys], header.signKey)
  if (!signer) return undefined
  const signed = Buffer.from(`${format}\n${headerLine}\n`, 'latin1')
  const signatureBytes = canonicalBase64url(signature)
  if (!signatureBytes || !verifySignature(signatureBytes, signed, signer.publicKey)) return undefined
  const isOurs = header.store === keyring.store && header.id === id && header.version === version
  return isOurs ? new Date(header.at) : undefined
}
