import { randomBytes } from 'node:crypto'
import { createSealer } from '../../core/crypto/seal.ts'
import { CHANGE_PURPOSES, createSharedChanges, type SharedChanges } from '../../core/lifecycle/shared-changes.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { Stores } from '../../vault/environment/create-stores.ts'
import { createSharedEndings, type SharedEndings } from '../../vault/shared-endings.ts'
import { findWebKeys, type WebKeyParts } from '../../vault/web-key.ts'

/** What a command can do to running servers. */
export interface RunningServers {
  readonly changes: SharedChanges
  /** Undefined where servers share nothing, or this process lacks their web key. */
  readonly endings: SharedEndings | undefined
}

/**
 * Returns what a command can do to running servers through the stores that the environment names. Without the servers' web key it can do
 * nothing, and says so: a change then takes effect when their caches end.
 *
 * @param stores with an open backend, from which the servers may derive their web key
 */
export function runningServers(
  stores: Pick<Stores, 'backend' | 'pendingStore' | 'browserSessions' | 'changeFeed'>,
  environment: NodeJS.ProcessEnv,
  { warn, onFound }: Pick<WebKeyParts, 'warn' | 'onFound'>,
): RunningServers {
  const { changeFeed, ...shared } = stores
  if (!changeFeed) return unreachable()
  try {
    const given = { ...shared, caller: 'openVault', text: undefined, accepted: undefined, warn, onFound }
    const webKeys = findWebKeys(given, environment)
    const changes = createSharedChanges(changeFeed, createSealer(webKeys, CHANGE_PURPOSES))
    return { changes, endings: createSharedEndings({ ...shared, webKeys }) }
  } catch (error) {
    if (!isCredentialVaultError(error, 'configuration_invalid') || error.reason !== 'web_key_missing') throw error
    warn('Running servers are not told of changes, because their web key is not here. Set MCP_WEB_KEY_FILE.')
    return unreachable()
  }
}

function unreachable(): RunningServers {
  return {
    changes: createSharedChanges(undefined, createSealer(randomBytes(32), CHANGE_PURPOSES)),
    endings: undefined,
  }
}
