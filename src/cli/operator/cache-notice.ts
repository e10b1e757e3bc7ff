import { DEFAULT_CACHE_SECONDS } from '../../core/credentials/credential-cache.ts'
import type { SecretBackend } from '../../core/ports/secret-backend.ts'
import { wholeNumber, withoutEmpty } from '../../vault/environment/environment.ts'
import { openVaultOptions } from '../../vault/parts/open-vault-options.ts'

export const cacheHelp = `With Vault and AWS a running server may use the old value for up to ${DEFAULT_CACHE_SECONDS} seconds more (its MCP_CACHE_SECONDS).
Servers that share a Redis are told and drop it at once.`

/** Read as the server reads it. A value that the server would refuse at its start counts as not set. */
const cacheSeconds = wholeNumber.optional().pipe(openVaultOptions.shape.cacheSeconds).catch(DEFAULT_CACHE_SECONDS)

/**
 * Returns the seconds for which a running server may use a value that was changed or revoked elsewhere. It is 0 for a store whose
 * changes every server sees immediately.
 */
export function cacheSecondsOf(backend: SecretBackend, environment: NodeJS.ProcessEnv): number {
  if (backend.isCurrent) return 0
  return cacheSeconds.parse(withoutEmpty(environment)['MCP_CACHE_SECONDS'])
}

/** @param told whether running servers hear of the change through the store that they share */
export function cacheNotice(seconds: number, told: boolean): string {
  if (seconds === 0) return ''
  return told
    ? `Running servers are told through Redis, and drop the old value at once. One that Redis does not reach may use it for up to ${seconds} seconds more (MCP_CACHE_SECONDS).\n`
    : `Running servers may use the old value for up to ${seconds} seconds more (MCP_CACHE_SECONDS).\n`
}
