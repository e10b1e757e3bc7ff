import { findKey } from '../../core/crypto/key-source.ts'
import { keyId } from '../../core/crypto/key-text.ts'
import { ownAuditKeys } from '../audit/audit-folder.ts'
import type { Command, Terminal } from '../terminal/command.ts'
import { UsageError } from '../terminal/command-line.ts'
import { withStoreKeys } from './keys-access.ts'

export const keysRewrap: Command = {
  name: 'keys rewrap',
  summary: 'lock the sealed file with a new store key (MCP_VAULT_KEY_FILE)',
  parameters: [],
  options: { 'new-key-file': { type: 'string' } },
  help: `
Usage: mcp-credential-vault keys rewrap --new-key-file FILE [--json]

Locks the store's own keys with the key in FILE, which "keygen --out FILE" makes. MCP_VAULT_KEY_FILE or MCP_VAULT_KEY names the key until now.
No record is rewritten. From then on the store opens with the new key only, so put it in place of the old one. Running servers keep
running, and need the new key at their next start or after "keys rotate".
The keys of the audit log and of cookies are derived from the store key, unless MCP_AUDIT_KEY_FILE and MCP_WEB_KEY_FILE set them. After a
server's restart, its users sign in again, and "audit verify" needs the earlier public key too, which this command prints.
`,
  run(input, terminal) {
    const file = input.text('new-key-file')
    if (file === undefined) throw new UsageError('--new-key-file is required: it names the file with the new store key')
    const warn = (problem: string) => terminal.error(`mcp-credential-vault: ${problem}\n`)
    const key = findKey({ name: 'MCP_VAULT_KEY', file, warn }, {})?.key
    if (!key) throw new UsageError('--new-key-file needs the name of a file')
    return withStoreKeys(terminal, async ({ keys, signal, change }) => {
      const auditKey = await derivedAuditKey(terminal)
      const done = await change({ type: 'key.rewrapped', version: keyId(key) }, () => keys.rewrap(key, signal))
      const verify =
        auditKey === undefined ? '' : `The audit log until now is verified with: audit verify --key ${auditKey}\n`
      const text = `The store opens with key ${done.storeKey} only, no longer with ${done.previous}. Put the new key where MCP_VAULT_KEY_FILE or MCP_VAULT_KEY has the old one.\n`
      const json = { ...done, ...(auditKey && { earlierAuditKey: auditKey }) }
      terminal.out(input.flag('json') ? `${JSON.stringify(json)}\n` : `${text}${verify}`)
      return 0
    })
  },
}

/** Returns the public key of an audit log whose key follows the store key. */
async function derivedAuditKey(terminal: Terminal): Promise<string | undefined> {
  const { MCP_AUDIT_KEY, MCP_AUDIT_KEY_FILE } = terminal.environment
  return MCP_AUDIT_KEY || MCP_AUDIT_KEY_FILE ? undefined : (await ownAuditKeys(terminal))[0]?.publicKey
}
