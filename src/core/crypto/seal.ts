import { createHmac, timingSafeEqual } from 'node:crypto'
import { deriveKey } from './derive-key.ts'
import { decrypt, encrypt } from './sodium.ts'

/** What a sealed text is for. One made for another purpose does not open. */
export type SealPurpose = 'session-cookie' | 'login-cookie' | 'reference' | 'pending-request'

/** What a keyed hash is for. */
export type MacPurpose = 'link' | 'csrf' | 'owner' | 'slot' | 'topic'

/**
 * The only sealer: makes the opaque texts that pass through browsers, clients and the pending store. XChaCha20-Poly1305 and
 * HMAC-SHA-256, each purpose with its own key derived from the web key by HKDF-SHA-256 (RFC 5869).
 */
export interface Sealer {
  /**
   * base64url of the sealed JSON. `expiresAt` in Unix milliseconds is sealed with it. `context`: text that `open` needs, too. Default
   * none.
   */
  seal(purpose: SealPurpose, value: object, expiresAt: number, context?: string): string
  /** undefined for anything that this key did not seal for this purpose and context, that was changed, or that has expired. */
  open(purpose: SealPurpose, sealed: string, context?: string): unknown
  /** 32 bytes over the parts, each with its length in front, so that no two lists of parts give the same bytes. */
  mac(purpose: MacPurpose, ...parts: readonly string[]): Buffer
}

/** Longest text that {@link Sealer.open} looks at. */
const MAX_SEALED_LENGTH = 16_384

export function createSealer(webKey: Uint8Array): Sealer {
  const keys = new Map<string, Uint8Array>()
  const derived = (label: string): Uint8Array => {
    const known = keys.get(label)
    if (known) return known
    const key = deriveKey(webKey, label)
    keys.set(label, key)
    return key
  }

  return {
    seal(purpose, value, expiresAt, context) {
      const plaintext = Buffer.from(JSON.stringify({ expiresAt, value }))
      return Buffer.from(encrypt(derived(`seal ${purpose}`), plaintext, bound(purpose, context))).toString('base64url')
    },
    open(purpose, sealed, context) {
      if (sealed.length > MAX_SEALED_LENGTH) return undefined
      const bytes = Buffer.from(sealed, 'base64url')
      if (bytes.toString('base64url') !== sealed) return undefined
      const plaintext = decrypt(derived(`seal ${purpose}`), bytes, bound(purpose, context))
      if (!plaintext) return undefined
      const content: { expiresAt: number; value: unknown } = JSON.parse(Buffer.from(plaintext).toString())
      return Date.now() < content.expiresAt ? content.value : undefined
    },
    mac(purpose, ...parts) {
      const mac = createHmac('sha256', derived(`mac ${purpose}`))
      for (const part of parts) {
        const bytes = Buffer.from(part)
        const length = Buffer.alloc(4)
        length.writeUInt32BE(bytes.length)
        mac.update(length).update(bytes)
      }
      return mac.digest()
    },
  }
}

/** What a sealed text is bound to besides its key. No purpose has a space in it. */
function bound(purpose: SealPurpose, context: string | undefined): Buffer {
  return Buffer.from(context === undefined ? purpose : `${purpose} ${context}`)
}

/** Compares in constant time. False for different lengths. */
export function equalText(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}
