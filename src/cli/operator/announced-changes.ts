import { randomBytes } from 'node:crypto'
import { createSealer } from '../../core/crypto/seal.ts'
import { CHANGE_PURPOSES, createSharedChanges, type SharedChanges } from '../../core/lifecycle/shared-changes.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { Stores } from '../../vault/environment/create-stores.ts'
import { findWebKeys, type WebKeyParts } from '../../vault/web-key.ts'

/**
 * Tells running servers of a command's changes, through the feed that the environment names. Without the servers' web key it cannot, and
 * says so: the change then takes effect when their caches end.
 *
 * @param stores with an open backend, from which the servers may derive their web key
 */
export function announcedChanges(
  { backend, pendingStore, changeFeed }: Pick<Stores, 'backend' | 'pendingStore' | 'changeFeed'>,
  environment: NodeJS.ProcessEnv,
  { warn, onFound }: Pick<WebKeyParts, 'warn' | 'onFound'>,
): SharedChanges {
  if (!changeFeed) return silent()
  try {
    const given = { caller: 'openVault', text: undefined, accepted: undefined, backend, pendingStore, warn, onFound }
    return createSharedChanges(changeFeed, createSealer(findWebKeys(given, environment), CHANGE_PURPOSES))
  } catch (error) {
    if (!isCredentialVaultError(error, 'configuration_invalid') || error.reason !== 'web_key_missing') throw error
    warn('Running servers are not told of changes, because their web key is not here. Set MCP_WEB_KEY_FILE.')
    return silent()
  }
}

function silent(): SharedChanges {
  return createSharedChanges(undefined, createSealer(randomBytes(32), CHANGE_PURPOSES))
}
