import { randomBytes } from 'node:crypto'
import { deriveKey } from '../core/crypto/derive-key.ts'
import { findKey } from '../core/crypto/key-source.ts'
import { CredentialVaultError } from '../core/model/errors.ts'
import type { PendingStore } from '../core/ports/pending-store.ts'
import type { SecretBackend } from '../core/ports/secret-backend.ts'

export interface WebKeyParts {
  /** The option's path in errors, e.g. `openVault.webKey`. */
  readonly option: string
  /** The key in the text form that `keygen` prints. */
  readonly text: string | undefined
  readonly backend: Pick<SecretBackend, 'deriveKey'>
  readonly pendingStore: Pick<PendingStore, 'shared'>
  readonly warn: (message: string) => void
}

/**
 * Returns the key that seals cookies, references, pending requests and links: the configured key, else one derived from the store's key,
 * else a random one if no other process can need it.
 *
 * @throws `configuration_invalid` (`same_key`, `web_key_missing`)
 */
export function findWebKey({ option, text, backend, pendingStore, warn }: WebKeyParts): Uint8Array {
  const derived = backend.deriveKey?.('web')
  const configured = findKey({ name: 'MCP_WEB_KEY', text, warn })
  if (configured && derived && Buffer.from(derived).equals(deriveKey(configured.key, 'derived web'))) {
    throw new CredentialVaultError(
      'configuration_invalid',
      `${option}: it is the same key as the store key, so the process that serves the form could read the store. Create another key with "mcp-credential-vault keygen".`,
      { reason: 'same_key' },
    )
  }
  if (configured) return configured.key
  if (derived) return derived
  if (!pendingStore.shared) return randomBytes(32)
  throw new CredentialVaultError(
    'configuration_invalid',
    `${option}: links and cookies need a key that all replicas share. Create one with "mcp-credential-vault keygen" and set MCP_WEB_KEY_FILE.`,
    { reason: 'web_key_missing' },
  )
}
