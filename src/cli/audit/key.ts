import { importPublicKey } from '../../audit/line/audit-keys.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import type { Command } from '../terminal/command.ts'
import { ownAuditKeys } from './audit-folder.ts'

export const auditKey: Command = {
  name: 'audit key',
  summary: 'print the public key that the audit log is verified with',
  parameters: [],
  options: {},
  help: `
Usage: mcp-credential-vault audit key [--json]

Prints the public half of the key that this environment signs its audit log with (MCP_AUDIT_KEY_FILE, else the sealed file's key). Give it to
the people who verify the log. With --json also as PEM, for other tools.
`,
  async run(input, terminal) {
    const publicKey = (await ownAuditKeys(terminal))[0]?.publicKey
    if (publicKey === undefined) {
      throw new CredentialVaultError(
        'configuration_invalid',
        "No key for the audit log is configured. Set MCP_AUDIT_KEY_FILE, or the sealed file's MCP_VAULT_KEY_FILE, as for the server.",
        { reason: 'audit_key_missing' },
      )
    }
    const pem = importPublicKey(publicKey)?.export({ format: 'pem', type: 'spki' })
    terminal.out(input.flag('json') ? `${JSON.stringify({ publicKey, pem })}\n` : `${publicKey}\n`)
    return 0
  },
}
