import { createHash } from 'node:crypto'
import { CredentialVaultError } from './errors.ts'
import { checkOwner, type Owner } from './owner.ts'

declare const minted: unique symbol

/**
 * Names one credential in every backend. Only {@link storageKey} makes one, so a backend never sees an unchecked name.
 *
 * `path` is `provider/issuer/subject` with each part encoded injectively into `[A-Za-z0-9@._-]`, safe in Vault paths, AWS names, IAM
 * ARNs, URLs and file names. A part of more than 120 encoded characters is hashed (`_h` + base32), still injectively.
 */
export interface StorageKey {
  readonly provider: string
  readonly owner: Owner
  readonly path: string
  readonly [minted]: true
}

export const MAX_PROVIDER_NAME_LENGTH = 40
const NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/

/** Whether this may be the `name` of a provider, or of one of its accounts: 1 to 40 characters, as in `jira` or `on-call`. */
export function isPlainName(text: string): boolean {
  return text.length <= MAX_PROVIDER_NAME_LENGTH && NAME.test(text)
}

/** Whether credentials may be stored under this name: a provider's own, or with one of its accounts, as in `jira@work`. */
export function isProviderName(text: string): boolean {
  const parts = text.split('@')
  return parts.length <= 2 && parts.every(isPlainName)
}

/**
 * Returns the name under which the credentials of an account are stored, linked, listed and audited. The account without a name has the
 * provider's.
 */
export function providerName(provider: string, account: string | undefined): string {
  return account === undefined ? provider : `${provider}@${account}`
}

/** Returns the provider's own name: that of the service, whichever of its accounts this is. */
export function serviceOf(provider: string): string {
  return provider.split('@', 1)[0] ?? provider
}

/** Whether an operator who names `wanted` means `provider` too: the name of a provider stands for all its accounts. */
export function meansProvider(wanted: string, provider: string): boolean {
  return provider === wanted || provider.startsWith(`${wanted}@`)
}

/**
 * @param provider a provider's name, or `name@account`: of lower-case letters, digits and single hyphens, 1 to 40 characters each, starting
 *   with a letter
 * @throws `configuration_invalid` for another provider name, `owner_unknown` for an invalid owner
 */
export function storageKey(provider: string, owner: Owner): StorageKey {
  if (!isProviderName(provider)) {
    throw new CredentialVaultError(
      'configuration_invalid',
      `A provider's name has 1 to ${MAX_PROVIDER_NAME_LENGTH} lower-case letters, digits and single hyphens and starts with a letter. One of its accounts is written name@account.`,
      { reason: 'provider_name' },
    )
  }
  const checked = Object.freeze(checkOwner(owner))
  const path = `${provider}/${encodePart(checked.issuer)}/${encodePart(checked.subject)}`
  return Object.freeze({ provider, owner: checked, path }) as StorageKey
}

const MAX_ENCODED_LENGTH = 120

/**
 * Letters, digits, `-` and `@` stand for themselves, `.` only between two letters or digits; any other UTF-8 byte becomes `_` and two
 * hex digits. So no result is empty, `.`, `..`, ends in a period, or holds a slash, percent sign or wildcard.
 */
export function encodePart(text: string): string {
  if (PLAIN.test(text)) return text
  const known = encodings.get(text)
  if (known !== undefined) return known
  if (encodings.size >= MAX_REMEMBERED) encodings.clear()
  const encoded = encode(text)
  encodings.set(text, encoded)
  return encoded
}

/** Mostly issuers: each call of a user encodes the same one several times. */
const encodings = new Map<string, string>()
const MAX_REMEMBERED = 10_000

function encode(text: string): string {
  const encoded = text.replace(OTHER_THAN_LITERAL, (character) =>
    Array.from(Buffer.from(character), (byte) => `_${byte.toString(16).padStart(2, '0')}`).join(''),
  )
  return encoded.length <= MAX_ENCODED_LENGTH ? encoded : hashPart(text)
}

/** Returns the hash that replaces a part that is too long, or that an operator wants unreadable. No other encoding begins with `_h`. */
export function hashPart(text: string): string {
  return `_h${base32(createHash('sha256').update(`v1\0${text}`).digest())}`
}

/** Returns the text that {@link encodePart} encoded, or undefined if it did not make this encoding or hashed the text. */
export function decodePart(encoded: string): string | undefined {
  const bytes = Buffer.from(
    encoded.replace(/_([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
  const text = bytes.toString('utf8')
  return text !== '' && encodePart(text) === encoded ? text : undefined
}

const PLAIN = /^[A-Za-z0-9@-]{1,120}$/
/** Matches all characters but literals, and periods without a letter or digit on one side. */
const OTHER_THAN_LITERAL = /[^A-Za-z0-9@.-]|(?<![A-Za-z0-9])\.|\.(?![A-Za-z0-9])/gu

function base32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{1,5}/g) ?? [])
    .map((group) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(group.padEnd(5, '0'), 2)])
    .join('')
}
