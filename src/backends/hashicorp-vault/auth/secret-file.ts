import { readFile, stat } from 'node:fs/promises'
import { shownPath } from '../../../core/host/shown-path.ts'
import { CredentialVaultError } from '../../../core/model/errors.ts'

/** Which of two logins; undefined for a login that does everything. */
export type LoginHalf = 'read' | 'write' | undefined

/** The variable of each option, after `VAULT_` and the half. */
const VARIABLES = {
  tokenFile: 'TOKEN_FILE',
  secretIdFile: 'SECRET_ID_FILE',
  wrappedSecretIdFile: 'WRAPPED_SECRET_ID_FILE',
  jwtFile: 'JWT_FILE',
} as const

/**
 * Reads one line of text from a file: a token, secret id or JWT that another program keeps up to date.
 *
 * @throws `unauthenticated`, naming file, option and variable, and never the text
 */
export type SecretReader = (path: string, option: keyof typeof VARIABLES) => Promise<string>

export function secretReader(half: LoginHalf): SecretReader {
  const [path, prefix] = half === undefined ? ['auth', 'VAULT'] : [`auth.${half}`, `VAULT_${half.toUpperCase()}`]
  return (file, option) => secretFromFile(file, `${path}.${option} (${prefix}_${VARIABLES[option]})`)
}

async function secretFromFile(path: string, option: string): Promise<string> {
  const shown = shownPath(path)
  const file = shown === undefined ? 'file' : `file ${shown}`
  const unusable = (problem: string) =>
    new CredentialVaultError('unauthenticated', `The ${file} of ${option} ${problem}.`, { reason: 'secret_file' })
  const text = await readFile(path, 'utf8').catch(() => {
    throw unusable('cannot be read by this user')
  })
  const secret = text.trim()
  if (secret === '') throw unusable('is empty')
  if (secret.startsWith('{'))
    throw unusable('contains JSON, as a response-wrapped or templated sink does. Write the plain token')
  if (!/^[\x21-\x7e]+$/.test(secret)) throw unusable('holds more than one word of printable characters')
  return secret
}

/** Returns a text that changes whenever the file is replaced or written, or undefined when it is missing. */
export async function fileStamp(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined)
  return found && `${found.ino} ${found.mtimeMs} ${found.size}`
}
