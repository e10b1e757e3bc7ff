import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { generateKeyText } from '../core/crypto/key-text.ts'
import { CredentialVaultError } from '../core/model/errors.ts'
import type { Command } from './terminal/command.ts'

export const keygen: Command = {
  name: 'keygen',
  summary: 'make a new key for MCP_VAULT_KEY_FILE or MCP_WEB_KEY_FILE',
  parameters: [],
  options: { out: { type: 'string' } },
  help: `
Usage: mcp-credential-vault keygen [--out FILE] [--json]

Makes a new random key and prints it, or writes it to FILE, which only this user can read then. A FILE that exists is left as it is.
Keep a copy in a safe place: what was sealed with the key cannot be read without it.

  mcp-credential-vault keygen --out vault.key
  export MCP_VAULT_KEY_FILE=$PWD/vault.key
`,
  async run(input, terminal) {
    const key = generateKeyText()
    const file = input.text('out')
    if (file === undefined) {
      terminal.out(input.flag('json') ? `${JSON.stringify({ key })}\n` : `${key}\n`)
      return 0
    }
    writeNewFile(file, `${key}\n`)
    terminal.out(input.flag('json') ? `${JSON.stringify({ file })}\n` : `Wrote a new key to ${file}.\n`)
    return 0
  },
}

/**
 * Writes keys into a new file that only this user can read.
 *
 * @throws `configuration_invalid` when the file exists, because everything sealed with its key would be lost
 */
export function writeNewFile(file: string, text: string): void {
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
    throw new CredentialVaultError('configuration_invalid', `The file of --out ${problem}`, { reason: 'key_file' })
  }
}

const PROBLEMS: Readonly<Record<string, string>> = {
  EEXIST: 'already exists and may hold a key that is in use. Nothing was written. Name another file.',
  ENOENT: 'is in a folder that does not exist. Create the folder first.',
  EACCES: 'cannot be written: this user has no permission. Name a file in a folder of this user.',
}
