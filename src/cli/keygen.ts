import { generateKeyText } from '../core/crypto/key-text.ts'
import type { Command } from './terminal/command.ts'
import { writeNewFile } from './terminal/new-key-file.ts'

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
