import { randomBytes } from 'node:crypto'
import { findAcceptedKeys } from '../../core/crypto/accepted-keys.ts'
import { findKey } from '../../core/crypto/key-source.ts'
import type { WebKeys } from '../../core/crypto/seal.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import type { PendingStore } from '../../core/ports/pending-store.ts'
import type { SecretBackend } from '../../core/ports/secret-backend.ts'
import type { KeyUse } from '../../core/ports/store-keys.ts'

export interface WebKeyParts {
  /** The function that was called, for the options' paths in errors, e.g. `openVault`. */
  readonly caller: string
  /** The key in the text form that `keygen` prints. */
  readonly text: string | undefined
  /** The other keys that are valid, in the same form. */
  readonly accepted: readonly string[] | undefined
  readonly backend: Pick<SecretBackend, 'deriveKey'>
  readonly pendingStore: Pick<PendingStore, 'shared'>
  readonly warn: (message: string) => void
  /** Called with each key that was given or set, and not derived. */
  readonly onFound: (use: KeyUse) => void
}

/**
 * Returns the key that seals cookies, references, pending requests and links: the configured key, else one derived from the store's key,
 * else a random one if no other process can need it. The other valid keys follow it.
 *
 * @throws `configuration_invalid` (`web_key_missing`, `accepted_keys`, and what `onFound` throws), `key_malformed`
 */
export function findWebKeys(
  { caller, text, accepted, backend, pendingStore, warn, onFound }: WebKeyParts,
  environment: NodeJS.ProcessEnv = process.env,
): WebKeys {
  const derived = backend.deriveKey?.('web')
  const configured = findKey({ name: 'MCP_WEB_KEY', text, warn, onFound }, environment)
  const current = configured?.key ?? derived
  const option = `${caller}.acceptedWebKeys`
  const others = findAcceptedKeys(
    { name: 'MCP_WEB_KEY', option, texts: accepted, current, derived, warn, onFound },
    environment,
  )
  if (current) return [current, ...others]
  if (!pendingStore.shared) return [randomBytes(32)]
  throw webKeyMissing(`${caller}.webKey`)
}

/** The refusal of a server that other processes share links and cookies with, and that has no key of its own to derive one from. */
export function webKeyMissing(option: string): CredentialVaultError {
  return new CredentialVaultError(
    'configuration_invalid',
    `${option}: links and cookies need a key that all replicas share. Create one with "mcp-credential-vault keygen" and set MCP_WEB_KEY_FILE.`,
    { reason: 'web_key_missing' },
  )
}
