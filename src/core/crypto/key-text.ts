import { createHash, randomBytes } from 'node:crypto'
import { CredentialVaultError } from '../model/errors.ts'
import { canonicalBase64url } from './base64url.ts'

/**
 * The text form of a 32-byte key: `mcv1_`, 43 base64url characters, 6 characters of checksum, 54 in all. The checksum tells a typo, a cut
 * or another product's key from a wrong key before anything is opened with it.
 */
const PREFIX = 'mcv1_'
const BODY_LENGTH = 43
const CHECKSUM_LENGTH = 6
const TEXT_LENGTH = PREFIX.length + BODY_LENGTH + CHECKSUM_LENGTH

declare const checked: unique symbol

/** Made by {@link parseKey} only. */
export type MasterKey = Uint8Array & { readonly [checked]: true }

/**
 * A new random key of 32 bytes as text of 54 characters, `mcv1_…`: what `mcp-credential-vault keygen` prints.
 *
 * @example
 * ```ts
 * import { writeFileSync } from 'node:fs'
 * import { generateKeyText } from 'mcp-credential-vault'
 *
 * writeFileSync('vault.key', generateKeyText(), { mode: 0o600, flag: 'wx' })
 * ```
 */
export function generateKeyText(): string {
  return formatKey(randomBytes(32))
}

export function formatKey(key: Uint8Array): string {
  const body = Buffer.from(key).toString('base64url')
  return `${PREFIX}${body}${checksum(body)}`
}

/** @throws `key_malformed`; the message names `source` and the mistake, never the text */
export function parseKey(text: string, source: string): MasterKey {
  const trimmed = text.trim()
  const mistake = keyMistake(trimmed)
  if (mistake) {
    throw new CredentialVaultError(
      'key_malformed',
      `${source} is not a key: ${mistake}. Create one with "mcp-credential-vault keygen" and keep it safe: sealed data cannot be read without it.`,
      { reason: 'key_text' },
    )
  }
  return Buffer.from(trimmed.slice(PREFIX.length, PREFIX.length + BODY_LENGTH), 'base64url') as Uint8Array as MasterKey
}

function keyMistake(text: string): string | undefined {
  if (text === '') return 'it is empty'
  if (!text.startsWith(PREFIX)) return `it does not start with ${PREFIX}`
  if (text.length !== TEXT_LENGTH) return `it has ${text.length} characters instead of ${TEXT_LENGTH}`
  const body = text.slice(PREFIX.length, PREFIX.length + BODY_LENGTH)
  if (!canonicalBase64url(body)) return 'it contains a character that no key has'
  if (checksum(body) !== text.slice(-CHECKSUM_LENGTH)) return 'its checksum does not fit, so a character is wrong'
  return undefined
}

function checksum(body: string): string {
  return createHash('sha256').update(`${PREFIX}${body}`).digest('base64url').slice(0, CHECKSUM_LENGTH)
}

/** Returns eight hex digits that identify a key in messages, e.g. `7f3a-91c2`. They reveal nothing about the key. */
export function keyId(key: Uint8Array): string {
  const digest = createHash('sha256').update('mcp-credential-vault key id\0').update(key).digest('hex')
  return `${digest.slice(0, 4)}-${digest.slice(4, 8)}`
}
