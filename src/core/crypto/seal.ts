import { createHmac, timingSafeEqual } from 'node:crypto'
import { canonicalBase64url } from './base64url.ts'
import { deriveKey } from './derive-key.ts'
import { decrypt, encrypt } from './sodium.ts'

const SEAL_PURPOSES = [
  'session-cookie',
  'login-cookie',
  'reference',
  'pending-request',
  'change',
  'call-state',
  'client-cookie',
  'client-registration',
  'client-login',
  'client-code',
  'client-refresh',
] as const
const MAC_PURPOSES = ['link', 'csrf', 'owner', 'slot', 'topic', 'scim-id', 'limit'] as const

/** The use of a sealed text. A text that was sealed for another purpose does not open. */
export type SealPurpose = (typeof SEAL_PURPOSES)[number]

/** The use of a keyed hash. */
export type MacPurpose = (typeof MAC_PURPOSES)[number]

/** The purposes that one part of the vault may seal and hash for. */
export interface SealerPurposes<S extends SealPurpose = SealPurpose, M extends MacPurpose = MacPurpose> {
  readonly seal: readonly S[]
  readonly mac: readonly M[]
}

/**
 * Makes the opaque texts that pass through browsers, clients and the pending store. XChaCha20-Poly1305 and HMAC-SHA-256, each purpose
 * with its own key derived from the web key by HKDF-SHA-256 (RFC 5869). The current web key makes everything new; during a change of keys
 * the others open and recognise as well.
 *
 * A sealer has the keys of its own purposes only. Its members are properties, not methods, so that the compiler refuses a sealer of
 * fewer purposes where more are needed. At run time any other purpose throws a TypeError.
 */
export interface Sealer<S extends SealPurpose = SealPurpose, M extends MacPurpose = MacPurpose> {
  /**
   * Returns the sealed JSON as base64url. `expiresAt` in Unix milliseconds is sealed with it. `context` is text that `open` must be given
   * again. Default none.
   */
  readonly seal: (purpose: S, value: object, expiresAt: number, context?: string) => string
  /**
   * Returns the value. Returns undefined if the text was not sealed with one of the keys for this purpose and context, was changed, or has
   * expired.
   */
  readonly open: (purpose: S, sealed: string, context?: string) => unknown
  /** Returns 32 bytes over the parts, each with its length in front, so that no two lists of parts give the same bytes. */
  readonly mac: (purpose: M, ...parts: readonly string[]) => Buffer
  /** Returns what {@link mac} returns with each key, the current one first: another replica, or this one earlier, may have used any. */
  readonly macs: (purpose: M, ...parts: readonly string[]) => readonly [Buffer, ...Buffer[]]
}

/** The current key, which makes everything new, and the other keys whose texts and hashes are still, or already, valid. */
export type WebKeys = readonly [current: Uint8Array, ...others: Uint8Array[]]

/** Longest text that {@link Sealer.open} tries to open. */
const MAX_SEALED_LENGTH = 16_384

/** Creates a sealer for the given purposes, by default for all. It keeps the keys of these purposes and not the web keys. */
export function createSealer(webKeys: WebKeys | Uint8Array): Sealer
export function createSealer<S extends SealPurpose, M extends MacPurpose>(
  webKeys: WebKeys | Uint8Array,
  purposes: SealerPurposes<S, M>,
): Sealer<S, M>
export function createSealer(
  webKeys: WebKeys | Uint8Array,
  purposes: SealerPurposes = { seal: SEAL_PURPOSES, mac: MAC_PURPOSES },
): Sealer {
  const [current, ...others] = webKeys instanceof Uint8Array ? [webKeys] : webKeys
  const labels = [
    ...purposes.seal.map((purpose) => `seal ${purpose}`),
    ...purposes.mac.map((purpose) => `mac ${purpose}`),
  ]
  const keys = new Map(
    labels.map((label): [string, WebKeys] => [
      label,
      [deriveKey(current, label), ...others.map((key) => deriveKey(key, label))],
    ]),
  )
  const keysFor = (label: string): WebKeys => {
    const found = keys.get(label)
    if (!found) throw new TypeError(`this sealer is not for "${label}"`)
    return found
  }

  return {
    seal(purpose, value, expiresAt, context) {
      const plaintext = Buffer.from(JSON.stringify({ expiresAt, value }))
      const [key] = keysFor(`seal ${purpose}`)
      return Buffer.from(encrypt(key, plaintext, bound(purpose, context))).toString('base64url')
    },
    open(purpose, sealed, context) {
      if (sealed.length > MAX_SEALED_LENGTH) return undefined
      const bytes = canonicalBase64url(sealed)
      if (!bytes) return undefined
      const additional = bound(purpose, context)
      // Every key is tried, so that the time does not tell which of them fits.
      const [plaintext] = keysFor(`seal ${purpose}`).flatMap((key) => decrypt(key, bytes, additional) ?? [])
      if (!plaintext) return undefined
      const content: { expiresAt: number; value: unknown } = JSON.parse(Buffer.from(plaintext).toString())
      return Date.now() < content.expiresAt ? content.value : undefined
    },
    mac: (purpose, ...parts) => macOf(keysFor(`mac ${purpose}`)[0], parts),
    macs(purpose, ...parts) {
      const [first, ...rest] = keysFor(`mac ${purpose}`)
      return [macOf(first, parts), ...rest.map((key) => macOf(key, parts))]
    },
  }
}

function macOf(key: Uint8Array, parts: readonly string[]): Buffer {
  const mac = createHmac('sha256', key)
  for (const part of parts) {
    const bytes = Buffer.from(part)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    mac.update(length).update(bytes)
  }
  return mac.digest()
}

/** Returns the additional data that a sealed text is bound to. No purpose contains a space, so purpose and context stay apart. */
function bound(purpose: SealPurpose, context: string | undefined): Buffer {
  return Buffer.from(context === undefined ? purpose : `${purpose} ${context}`)
}

/** Compares two texts in constant time. Returns false for different lengths. */
export function equalText(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}
