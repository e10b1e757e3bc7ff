import { readKeyFile } from '../core/crypto/key-source.ts'
import { generateKeyText, keyId, parseKey } from '../core/crypto/key-text.ts'
import { fileLabel, shownPath } from '../core/host/shown-path.ts'
import { writeNewKeyFile } from './keys/new-key-file.ts'
import type { Command } from './terminal/command.ts'
import { UsageError } from './terminal/command-line.ts'

export const keygen: Command = {
  name: 'keygen',
  summary: 'make a new key for MCP_VAULT_KEY_FILE or MCP_WEB_KEY_FILE',
  parameters: [],
  options: { out: { type: 'string' }, id: { type: 'string' } },
  help: `
Usage: mcp-credential-vault keygen [--out FILE] [--json]
       mcp-credential-vault keygen --id FILE [--json]

Makes a new random key and prints it, or writes it to FILE, which only this user can read then. A FILE that exists is left as it is.
Keep a copy in a safe place: what was sealed with the key cannot be read without it.
Messages name a key by its id, eight hex digits that reveal nothing about it. The id of a new key is printed too, on standard error if the
key itself goes to standard output. --id prints the id of the key in FILE and makes none.

  mcp-credential-vault keygen --out vault.key
  export MCP_VAULT_KEY_FILE=$PWD/vault.key
`,
  async run(input, terminal) {
    const file = input.text('out')
    const existing = input.text('id')
    if (existing !== undefined) {
      if (file !== undefined) throw new UsageError('--id reads a key and --out makes one: give one of them')
      const warn = (problem: string) => terminal.error(`mcp-credential-vault: ${problem}\n`)
      const label = fileLabel('The file of --id', existing)
      const id = keyId(parseKey(readKeyFile(existing, label, warn), label))
      terminal.out(input.flag('json') ? `${JSON.stringify({ file: shownPath(existing) ?? null, id })}\n` : `${id}\n`)
      return 0
    }
    const text = generateKeyText()
    const key = parseKey(text, 'the new key')
    const id = keyId(key)
    if (file === undefined) {
      terminal.out(input.flag('json') ? `${JSON.stringify({ key: text, id })}\n` : `${text}\n`)
      if (!input.flag('json')) terminal.error(`Its id is ${id}.\n`)
      return 0
    }
    writeNewKeyFile('--out', file, key)
    const shown = shownPath(file)
    terminal.out(
      input.flag('json')
        ? `${JSON.stringify({ file: shown ?? null, id })}\n`
        : `Wrote a new key to ${shown ?? 'the file of --out'}. Its id is ${id}.\n`,
    )
    return 0
  },
}
