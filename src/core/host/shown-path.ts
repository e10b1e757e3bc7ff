import { CredentialVaultError } from '../model/errors.ts'

/** A text that begins as paths do, or ends as the name of a file. One word without either may be a password. */
const PATH = /^(?:~|\.{0,2})(?:\/|$)|^[a-z][a-z._-]*\/|\.[a-z]{1,12}$/
/** Characters of a key's text, of base64 padding and of lists, and control characters. */
const IN_NO_PATH = /mcv1_|[=+,;{}\p{Cc}\p{Zl}\p{Zp}]/u
/** Long runs that are not a word: hexadecimal, base64, base32, and base64url with its hyphens. */
const RANDOM = /(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{20,}|(?=[a-z_-]*[A-Z0-9])[\w-]{40,}/

/**
 * Returns the path of a file as messages may quote it, or undefined if the text may be a key or a token: people put those where the name
 * of their file belongs. It decides by the text alone, because a mistyped path names no file either.
 */
export function shownPath(path: string): string | undefined {
  return PATH.test(path) && !IN_NO_PATH.test(path) && !RANDOM.test(path) ? path : undefined
}

/** Names a file in a message by the variable or option that configures it, e.g. `MCP_WEB_KEY_FILE (/run/secrets/web-key)`. */
export function fileLabel(option: string, path: string): string {
  return `${option} (${shownPath(path) ?? 'not shown, since it may be a secret in place of a path'})`
}

/** The error for a file of an option that this process cannot read. */
export function unreadableFile(option: string, path: string): CredentialVaultError {
  return new CredentialVaultError(
    'configuration_invalid',
    `${fileLabel(option, path)}: the file cannot be read. Check that it exists, and that this user may read it.`,
    { reason: 'file' },
  )
}
