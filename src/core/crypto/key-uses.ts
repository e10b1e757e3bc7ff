import { createHash } from 'node:crypto'
import { CredentialVaultError } from '../model/errors.ts'
import type { KeyUse } from '../ports/store-keys.ts'

/**
 * @param variable the variable of the current key for this use, e.g. `MCP_WEB_KEY`
 * @param label where this key was found, for messages, e.g. `MCP_WEB_KEY_ACCEPTED` or `the key option`
 */
export function keyUse(variable: string, label: string, key: Uint8Array): KeyUse {
  const digest = createHash('sha256').update('mcp-credential-vault key use\0').update(key).digest('base64')
  return { variable, source: label.startsWith(variable) ? label : `${variable} (${label})`, digest }
}

/**
 * Returns a function that takes each configured key of a process and refuses one that is configured for a second use: whoever may have the
 * one key, such as the process that serves the form or a person who verifies the audit log, would have the other.
 */
export function createKeyUses(): (use: KeyUse) => void {
  const uses = new Map<string, KeyUse>()
  return (use) => {
    const other = uses.get(use.digest) ?? use
    uses.set(use.digest, other)
    if (other.variable === use.variable) return
    throw new CredentialVaultError(
      'configuration_invalid',
      `${use.source}: it is the same key as ${other.source}. Each use needs a key of its own: else who may have one of them has both. ` +
        'Create another key with "mcp-credential-vault keygen" for the use that has nothing sealed or signed with it yet.',
      { reason: 'same_key' },
    )
  }
}
