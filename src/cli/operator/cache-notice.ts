import type { SecretBackend } from '../../core/ports/secret-backend.ts'
import { withoutEmpty } from '../../vault/environment/environment.ts'
import { DEFAULT_CACHE_SECONDS } from '../../vault/open-vault-options.ts'

export const cacheHelp = `With Vault and AWS a running server may use the old value for up to ${DEFAULT_CACHE_SECONDS} seconds more (its MCP_CACHE_SECONDS).`

/** How long a server may use a value that was changed or revoked elsewhere; 0 for a store that shows a change at once. */
export function cacheSecondsOf(backend: SecretBackend, environment: NodeJS.ProcessEnv): number {
  if (backend.isCurrent) return 0
  const { MCP_CACHE_SECONDS: given = '' } = withoutEmpty(environment)
  return /^\d{1,3}$/.test(given) ? Number(given) : DEFAULT_CACHE_SECONDS
}

export function cacheNotice(seconds: number): string {
  if (seconds === 0) return ''
  return `Running servers may use the old value for up to ${seconds} seconds more (MCP_CACHE_SECONDS).\n`
}
