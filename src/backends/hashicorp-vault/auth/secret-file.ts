import { readFile, stat } from 'node:fs/promises'
import { CredentialVaultError } from '../../../core/model/errors.ts'

/**
 * One line of text from a file: a token, secret id or JWT that somebody else keeps up to date.
 *
 * @throws `unauthenticated`, naming the option and never the text
 */
export async function secretFromFile(path: string, option: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw unusable(option, 'cannot be read by this user')
  })
  const secret = text.trim()
  if (secret === '') throw unusable(option, 'is empty')
  if (secret.startsWith('{'))
    throw unusable(option, 'holds JSON: a response-wrapped or templated sink. Write the plain token')
  if (!/^[\x21-\x7e]+$/.test(secret)) throw unusable(option, 'holds more than one word of printable characters')
  return secret
}

/** What changes whenever the file is replaced or written; undefined when there is none. */
export async function fileStamp(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined)
  return found && `${found.ino} ${found.mtimeMs} ${found.size}`
}

function unusable(option: string, problem: string): CredentialVaultError {
  return new CredentialVaultError('unauthenticated', `The file of ${option} ${problem}.`, { reason: 'secret_file' })
}
