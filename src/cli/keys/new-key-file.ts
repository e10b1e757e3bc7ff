import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { formatKey } from '../../core/crypto/key-text.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'

/** Writes a key to a new file, as `writeNewFile` does. */
export function writeNewKeyFile(option: string, file: string, key: Uint8Array): void {
  writeNewFile(option, file, `${formatKey(key)}\n`)
}

/**
 * Writes the text of keys to a new file that only this user can read.
 *
 * @param option names the file in errors, e.g. `--out`
 * @throws `configuration_invalid` when the file exists, because everything sealed with its key would be lost
 */
export function writeNewFile(option: string, file: string, text: string): void {
  try {
    const descriptor = openSync(file, 'wx', 0o600)
    try {
      writeSync(descriptor, text)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    const problem = PROBLEMS[code] ?? `cannot be written (${code}).`
    throw new CredentialVaultError('configuration_invalid', `The file of ${option} ${problem}`, { reason: 'key_file' })
  }
}

const PROBLEMS: Readonly<Record<string, string>> = {
  EEXIST: 'already exists and may hold a key that is in use. Nothing was written. Name another file.',
  ENOENT: 'is in a folder that does not exist. Create the folder first.',
  EACCES: 'cannot be written: this user has no permission. Name a file in a folder of this user.',
}
