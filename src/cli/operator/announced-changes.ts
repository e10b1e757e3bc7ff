import { randomBytes } from 'node:crypto'
import { createSealer } from '../../core/crypto/seal.ts'
import { CHANGE_PURPOSES, createSharedChanges, type SharedChanges } from '../../core/lifecycle/shared-changes.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { Stores } from '../../vault/environment/create-stores.ts'
import { findWebKey } from '../../vault/web-key.ts'

/**
 * Tells running servers of a command's changes, through the feed that the environment names. Without the servers' web key it cannot, and
 * says so: the change then takes effect when their caches end.
 *
 * @param stores with an open backend, from which the servers may derive their web key
 */
export function announcedChanges(
  stores: Pick<Stores, 'backend' | 'pendingStore' | 'changeFeed'>,
  warn: (problem: string) => void,
): SharedChanges {
  const { backend, pendingStore, changeFeed } = stores
  if (!changeFeed) return silent()
  try {
    const key = findWebKey({ option: 'MCP_WEB_KEY_FILE', text: undefined, backend, pendingStore, warn })
    return createSharedChanges(changeFeed, createSealer(key, CHANGE_PURPOSES))
  } catch (error) {
    if (!isCredentialVaultError(error, 'configuration_invalid')) throw error
    warn('Running servers are not told of changes, because their web key is not here. Set MCP_WEB_KEY_FILE.')
    return silent()
  }
}

function silent(): SharedChanges {
  return createSharedChanges(undefined, createSealer(randomBytes(32), CHANGE_PURPOSES))
}
