import type { SecretBackend } from '../../core/ports/secret-backend.ts'
import { wholeNumber, withoutEmpty } from '../../vault/environment/environment.ts'
import { DEFAULT_CACHE_SECONDS, openVaultOptions } from '../../vault/parts/open-vault-options.ts'

export const cacheHelp = `With Vault and AWS a running server may use the old value for up to ${DEFAULT_CACHE_SECONDS} seconds more (its MCP_CACHE_SECONDS).`

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

export function cacheNotice(seconds: number): string {
  if (seconds === 0) return ''
  return `Running servers may use the old value for up to ${seconds} seconds more (MCP_CACHE_SECONDS).\n`
}
