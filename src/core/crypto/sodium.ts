import { randomBytes } from 'node:crypto'
import sodium from 'libsodium-wrappers'
import { CredentialVaultError } from '../model/errors.ts'

/**
 * The only file that uses libsodium. Each function adds checks that the library lacks: a short or empty key would silently make an unkeyed
 * hash. Nonces from Node cost a thirtieth of the library's own. {@link sodiumReady} must have resolved before any other call.
 */
export const KEY_BYTES = 32
const NONCE_BYTES = 24

let ready: Promise<void> | undefined

/** Loads the library and tests it with known answers. Throws `unsupported` if they differ. */
export function sodiumReady(): Promise<void> {
  ready ??= sodium.ready.then(proveKnownAnswers)
  return ready
}

export interface KeyPair {
  readonly publicKey: Uint8Array
  readonly privateKey: Uint8Array
}

/** XChaCha20-Poly1305 (IETF construction) with a random 192-bit nonce in front of the result. */
export function encrypt(key: Uint8Array, plaintext: Uint8Array, context: Uint8Array): Uint8Array {
  return encryptWith(randomBytes(NONCE_BYTES), key, plaintext, context)
}

/**
 * Like {@link encrypt}, but the same each time for the same input. `nonceSource` is a keyed hash over all of the plaintext, of at least 24
 * bytes: two plaintexts must never share one.
 */
export function encryptAlike(
  key: Uint8Array,
  plaintext: Uint8Array,
  context: Uint8Array,
  nonceSource: Uint8Array,
): Uint8Array {
  if (nonceSource.length < NONCE_BYTES) throw new TypeError('the nonce is too short')
  return encryptWith(nonceSource.subarray(0, NONCE_BYTES), key, plaintext, context)
}

function encryptWith(nonce: Uint8Array, key: Uint8Array, plaintext: Uint8Array, context: Uint8Array): Uint8Array {
  const box = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
    plaintext,
    context,
    null,
    nonce,
    exactly(key, KEY_BYTES),
  )
  return Buffer.concat([nonce, box])
}

/** Opens the result of {@link encrypt}. Returns undefined if the key, the context or any bit differs. */
export function decrypt(key: Uint8Array, sealed: Uint8Array, context: Uint8Array): Uint8Array | undefined {
  const guarded = exactly(key, KEY_BYTES)
  if (sealed.length < NONCE_BYTES) return undefined
  return attempt(() =>
    sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
      null,
      sealed.subarray(NONCE_BYTES),
      context,
      sealed.subarray(0, NONCE_BYTES),
      guarded,
    ),
  )
}

/** `crypto_box_seal`: anyone with the public key can make one, only the private key opens it. */
export function sealBox(plaintext: Uint8Array, publicKey: Uint8Array): Uint8Array {
  return sodium.crypto_box_seal(plaintext, exactly(publicKey, KEY_BYTES))
}

export function openBox(box: Uint8Array, keys: KeyPair): Uint8Array | undefined {
  const publicKey = exactly(keys.publicKey, KEY_BYTES)
  const privateKey = exactly(keys.privateKey, KEY_BYTES)
  return attempt(() => sodium.crypto_box_seal_open(box, publicKey, privateKey))
}

export function sealKeyPair(): KeyPair {
  const { publicKey, privateKey } = sodium.crypto_box_keypair()
  return { publicKey, privateKey }
}

/** Ed25519 (RFC 8032). The private key is 64 bytes: seed and public key. */
export function signKeyPair(): KeyPair {
  const { publicKey, privateKey } = sodium.crypto_sign_keypair()
  return { publicKey, privateKey }
}

/** The pair that follows from a seed of 32 bytes, the same each time. */
export function signKeyPairFrom(seed: Uint8Array): KeyPair {
  const { publicKey, privateKey } = sodium.crypto_sign_seed_keypair(exactly(seed, KEY_BYTES))
  return { publicKey, privateKey }
}

export function sign(message: Uint8Array, privateKey: Uint8Array): Uint8Array {
  return sodium.crypto_sign_detached(message, exactly(privateKey, 64))
}

export function verifySignature(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== 64) return false
  return attempt(() => sodium.crypto_sign_verify_detached(signature, message, exactly(publicKey, KEY_BYTES))) ?? false
}

/** Keyed BLAKE2b with a 32-byte key. `length` in bytes, 16 to 64. */
export function keyedHash(key: Uint8Array, message: Uint8Array, length = 32): Uint8Array {
  return sodium.crypto_generichash(length, message, exactly(key, KEY_BYTES))
}

/** Unkeyed BLAKE2b-256, for integrity only. */
export function hash(message: Uint8Array): Uint8Array {
  return sodium.crypto_generichash(32, message, null)
}

/** Overwrites bytes that are no longer needed. Copies inside the WASM heap stay until they are reused. */
export function wipe(bytes: Uint8Array): void {
  bytes.fill(0)
}

function exactly(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new TypeError(`expected ${length} bytes of key, got ${bytes.length}`)
  return bytes
}

function attempt<T>(open: () => T): T | undefined {
  try {
    return open()
  } catch {
    return undefined
  }
}

function proveKnownAnswers(): void {
  const key = new Uint8Array(KEY_BYTES).fill(7)
  const message = Buffer.from('mcp-credential-vault')
  const answer = Buffer.from(keyedHash(key, message)).toString('hex')
  const signer = sodium.crypto_sign_seed_keypair(key)
  const sealer = sealKeyPair()
  const proven =
    answer === KNOWN_KEYED_HASH &&
    Buffer.from(sign(message, signer.privateKey)).toString('hex') === KNOWN_SIGNATURE &&
    verifySignature(sign(message, signer.privateKey), message, signer.publicKey) &&
    Buffer.from(openBox(sealBox(message, sealer.publicKey), sealer) ?? []).equals(message) &&
    Buffer.from(decrypt(key, encrypt(key, message, key), key) ?? []).equals(message) &&
    decrypt(key, encrypt(key, message, key), message) === undefined
  if (!proven) {
    throw new CredentialVaultError(
      'unsupported',
      'libsodium failed its self-test. Reinstall libsodium-wrappers 0.8.4 and libsodium 0.8.4.',
      {
        reason: 'self_test',
      },
    )
  }
}

const KNOWN_KEYED_HASH = 'ee60cc0e32b94f9ae6a3a91083787817ca057ff2b931a7ba392962d31c94e8e2'
const KNOWN_SIGNATURE =
  '19a447d0ede58522b771acbcc69cddc256e190ad668dad9a408871be29031bd38f4e03337530d67e26411fe92d09082bc2a6bb3c8716ad2703cb813df44a0604'
