import { createHmac, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { canonicalBase64url } from '../../core/crypto/base64url.ts'
import { deriveKey } from '../../core/crypto/derive-key.ts'
import type { Owner } from '../../core/model/owner.ts'

/** Signs lines and makes pseudonyms, with keys derived from one. */
export interface AuditKeys {
  /** Ed25519 (RFC 8032) over the line's hash, as 86 base64url characters. */
  sign(hash: string): string
  /** Signs a checkpoint's text in the same way; no line's hash can be taken for one. */
  signCheckpoint(text: string): string
  /** The 32 bytes that a verifier needs, as 43 base64url characters. */
  readonly publicKey: string
  readonly verifyingKey: KeyObject
  /** `p_` and 22 base64url characters: the same for the same person, and meaningless without the key. */
  pseudonym(owner: Owner): string
}

/** Prefixes of the signed texts, so that a signature over one kind is invalid for the other. */
const LINE = 'mcp-credential-vault audit v1\n'
const CHECKPOINT = 'mcp-credential-vault audit checkpoint v1\n'
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')

export function auditKeys(key: Uint8Array): AuditKeys {
  const der = Buffer.concat([PKCS8_ED25519, deriveKey(key, 'audit signature')])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const pseudonymKey = deriveKey(key, 'audit pseudonyms')
  const verifyingKey = createPublicKey(privateKey)
  const signature = (text: string) => sign(null, Buffer.from(text), privateKey).toString('base64url')
  return {
    sign: (hash) => signature(LINE + hash),
    signCheckpoint: (text) => signature(CHECKPOINT + text),
    publicKey: publicKeyText(verifyingKey),
    verifyingKey,
    // JSON separates issuer and subject, whatever they contain.
    pseudonym: ({ issuer, subject }) =>
      `p_${createHmac('sha256', pseudonymKey)
        .update(JSON.stringify([issuer, subject]))
        .digest()
        .subarray(0, 16)
        .toString('base64url')}`,
  }
}

/** The text form of {@link AuditKeys.publicKey}. */
export const PUBLIC_KEY = /^[A-Za-z0-9_-]{43}$/

/** Returns undefined when the text is not in the form of {@link AuditKeys.publicKey}. */
export function importPublicKey(text: string): KeyObject | undefined {
  if (!PUBLIC_KEY.test(text)) return undefined
  try {
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: text }, format: 'jwk' })
  } catch {
    return undefined
  }
}

/** The text form of a key that was imported. */
export function publicKeyText(key: KeyObject): string {
  return key.export({ format: 'jwk' }).x ?? ''
}

/** Returns which of the keys signed the line with this hash. */
export function signerOf(keys: readonly KeyObject[], hash: string, signature: string): KeyObject | undefined {
  return findSigner(keys, LINE + hash, signature)
}

/** Returns which of the keys signed the checkpoint with this text. */
export function checkpointSignerOf(keys: readonly KeyObject[], text: string, signature: string): KeyObject | undefined {
  return findSigner(keys, CHECKPOINT + text, signature)
}

function findSigner(keys: readonly KeyObject[], text: string, signature: string): KeyObject | undefined {
  const bytes = canonicalBase64url(signature)
  return bytes && keys.find((key) => verify(null, Buffer.from(text), key, bytes))
}
