import { rmSync } from 'node:fs'
import { auditKeys } from '../../audit/line/audit-keys.ts'
import { headsSignedBy } from '../../audit/segments/chain-heads.ts'
import { isDerivedListed } from '../../core/crypto/accepted-keys.ts'
import { findKey } from '../../core/crypto/key-source.ts'
import { keyId } from '../../core/crypto/key-text.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { auditFolderOf } from '../../vault/environment/folders.ts'
import { derivedAuditKey, ownAuditKeys } from '../audit/audit-folder.ts'
import type { Command, Terminal } from '../terminal/command.ts'
import { UsageError } from '../terminal/command-line.ts'
import { withStoreKeys } from './keys-access.ts'
import { writeNewKeyFile } from './new-key-file.ts'

export const keysRewrap: Command = {
  name: 'keys rewrap',
  summary: 'lock the sealed file with a new store key (MCP_VAULT_KEY_FILE)',
  parameters: [],
  options: { 'new-key-file': { type: 'string' }, 'keep-audit-key': { type: 'string' } },
  help: `
Usage: mcp-credential-vault keys rewrap --new-key-file FILE [--keep-audit-key FILE] [--json]

Locks the store's own keys with the key in FILE, which "keygen --out FILE" makes. MCP_VAULT_KEY_FILE or MCP_VAULT_KEY names the key until now.
No record is rewritten. From then on the store opens with the new key only, so put it in place of the old one. Running servers keep
running, and need the new key at their next start or after "keys rotate".
The keys of the audit log and of cookies are derived from the store key, unless MCP_AUDIT_KEY_FILE and MCP_WEB_KEY_FILE set them. After a
server's restart, its users sign in again.
--keep-audit-key writes the audit key that was derived until now to a new FILE, which only this user can read. The command refuses to run
without it while files of the log are signed with that key. List FILE in MCP_AUDIT_KEY_ACCEPTED_FILE for every process.
`,
  run(input, terminal) {
    const file = input.text('new-key-file')
    if (file === undefined) throw new UsageError('--new-key-file is required: it names the file with the new store key')
    const warn = (problem: string) => terminal.error(`mcp-credential-vault: ${problem}\n`)
    const key = findKey({ name: 'MCP_VAULT_KEY', file, warn }, {})?.key
    if (!key) throw new UsageError('--new-key-file needs the name of a file')
    return withStoreKeys(terminal, async ({ keys, signal, change }) => {
      const kept = await keptAuditKey(input.text('keep-audit-key'), terminal)
      const done = await change({ type: 'key.rewrapped', version: keyId(key) }, () => keys.rewrap(key, signal)).catch(
        (error: unknown) => {
          kept?.discard()
          throw error
        },
      )
      const text = `The store opens with key ${done.storeKey} only, no longer with ${done.previous}. Put the new key where MCP_VAULT_KEY_FILE or MCP_VAULT_KEY has the old one.\n`
      const json = { ...done, ...(kept && { earlierAuditKey: kept.publicKey, earlierAuditKeyFile: kept.file }) }
      terminal.out(input.flag('json') ? `${JSON.stringify(json)}\n` : `${text}${kept ? shown(kept) : ''}`)
      return 0
    })
  },
}

interface KeptKey {
  readonly file: string
  readonly publicKey: string
  /** Whether the word `derived` in the list has to be replaced. */
  readonly wasListed: boolean
  discard(): void
}

/**
 * Writes the derived audit key to a file before nothing can derive it any more.
 *
 * @throws `conflict` (`key_in_use`) when something needs a derived key and no file is named
 */
async function keptAuditKey(file: string | undefined, terminal: Terminal): Promise<KeptKey | undefined> {
  const { environment } = terminal
  if (isDerivedListed('MCP_WEB_KEY', environment))
    throw refused(
      'MCP_WEB_KEY_ACCEPTED lists "derived", which would name another key afterwards. Remove it once the sessions and links of that key have expired',
    )
  const derived = await derivedAuditKey(environment)
  const { publicKey, verifyingKey } = derived ? auditKeys(derived) : {}
  if (!derived || !publicKey || !verifyingKey) return undefined
  const wasListed = isDerivedListed('MCP_AUDIT_KEY', environment)
  if (file !== undefined) {
    writeNewKeyFile('--keep-audit-key', file, derived)
    return { file, publicKey, wasListed, discard: () => rmSync(file, { force: true }) }
  }
  const next = 'Add --keep-audit-key FILE: it writes that key to FILE, to list in MCP_AUDIT_KEY_ACCEPTED_FILE'
  if (wasListed)
    throw refused(`MCP_AUDIT_KEY_ACCEPTED lists "derived", which would name another key afterwards. ${next}`)
  const hasOwnFile = await isInOwnFile(publicKey, terminal)
  if (!hasOwnFile && (await headsSignedBy(auditFolderOf(environment), verifyingKey)).length > 0)
    throw refused(`files of the audit log are signed with the key that is derived from the store key. ${next}`)
  return undefined
}

/** Whether the environment has the derived audit key as a text, current or listed, so that it stays the same. */
async function isInOwnFile(publicKey: string, terminal: Terminal): Promise<boolean> {
  const { MCP_AUDIT_KEY, MCP_AUDIT_KEY_FILE } = terminal.environment
  if (!(MCP_AUDIT_KEY || MCP_AUDIT_KEY_FILE)) return false
  return (await ownAuditKeys(terminal)).some((own) => own.publicKey === publicKey)
}

function refused(problem: string): CredentialVaultError {
  return new CredentialVaultError('conflict', `The store key was not changed: ${problem}.`, { reason: 'key_in_use' })
}

function shown({ file, publicKey, wasListed }: KeptKey): string {
  const instead = wasListed ? 'in place of "derived"' : 'so that the log until now stays verified'
  return `The audit key that was derived until now is in ${file}. List it for every process, ${instead}: MCP_AUDIT_KEY_ACCEPTED_FILE=${file}\nThe audit log until now is verified with: audit verify --key ${publicKey}\n`
}
