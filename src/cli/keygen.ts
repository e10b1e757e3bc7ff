import { generateKeyText } from '../core/crypto/key-text.ts'
import type { Command } from './terminal/command.ts'

export const keygen: Command = {
  name: 'keygen',
  summary: 'print a new key for MCP_VAULT_KEY_FILE or MCP_WEB_KEY_FILE',
  parameters: [],
  options: {},
  help: `
Usage: mcp-credential-vault keygen [--json]

Prints a new random key. Keep it in a file that only the server's user can read, and keep a copy in a safe place:
what was sealed with it cannot be read without it.

  (umask 077 && mcp-credential-vault keygen > vault.key)
  export MCP_VAULT_KEY_FILE=$PWD/vault.key
`,
  async run(input, terminal) {
    const key = generateKeyText()
    terminal.out(input.flag('json') ? `${JSON.stringify({ key })}\n` : `${key}\n`)
    return 0
  },
}
