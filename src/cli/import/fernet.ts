import { createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto'

/**
 * Opens tokens of Fernet (https://github.com/fernet/spec, version 0x80): AES-128-CBC, then HMAC-SHA256 over everything before it. It only
 * opens, because nothing here writes this format.
 */
export interface Fernet {
  /** Returns the plaintext, or undefined if the token is malformed or not made with this key. A token's age is not checked. */
  open(token: string): Buffer | undefined
}

const KEY_BYTES = 32
const VERSION = 0x80
/** Version, time, initialisation vector, and at least one block. */
const MIN_BYTES = 1 + 8 + 16 + 16 + 32
const BASE64URL = /^[A-Za-z0-9_-]+={0,2}$/

/** @param text 32 bytes in base64url, padded: the signing key, then the encryption key. Returns undefined for anything else */
export function fernet(text: string): Fernet | undefined {
  const key = decoded(text.trim())
  if (key?.length !== KEY_BYTES) return undefined
  const signingKey = key.subarray(0, 16)
  const encryptionKey = key.subarray(16)
  return {
    open(token) {
      const bytes = decoded(token.trim())
      if (!bytes || bytes.length < MIN_BYTES || bytes[0] !== VERSION) return undefined
      const signed = bytes.subarray(0, -32)
      // Nothing is decrypted before the signature is verified.
      const expected = createHmac('sha256', signingKey).update(signed).digest()
      if (!timingSafeEqual(expected, bytes.subarray(-32))) return undefined
      const ciphertext = signed.subarray(25)
      if (ciphertext.length % 16 !== 0) return undefined
      try {
        const decipher = createDecipheriv('aes-128-cbc', encryptionKey, signed.subarray(9, 25))
        return Buffer.concat([decipher.update(ciphertext), decipher.final()])
      } catch {
        // Bad padding, which a writer with the key can still produce.
        return undefined
      }
    },
  }
}

/** Strict: Node itself drops characters that are not base64, and padding in the wrong place. */
function decoded(text: string): Buffer | undefined {
  if (!BASE64URL.test(text) || text.length % 4 !== 0) return undefined
  return Buffer.from(text, 'base64url')
}
