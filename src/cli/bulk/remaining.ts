import { wholeNumber, withoutEmpty } from '../../vault/environment/environment.ts'
import { openVaultOptions } from '../../vault/parts/open-vault-options.ts'

/** Something in the memory of a running server that a change in the backend does not end. */
export interface Remaining {
  readonly what: 'cached_values' | 'open_calls' | 'browser_sessions' | 'pending_links'
  /** RFC 3339. Absent where no time is known. */
  readonly until?: string
  /** The server's variable that sets the time. */
  readonly variable?: string
}

const TIMES = [
  { what: 'browser_sessions', variable: 'MCP_SESSION_MAX_SECONDS', schema: openVaultOptions.shape.sessionMaxSeconds },
  { what: 'pending_links', variable: 'MCP_LINK_TTL_SECONDS', schema: openVaultOptions.shape.linkTtlSeconds },
] as const

/**
 * Returns what running servers may keep of an owner whose credentials are revoked now. The times are those of this environment's
 * variables; a value that the server would refuse counts as not set.
 *
 * @param now Unix milliseconds
 */
export function remainingAfter(
  environment: NodeJS.ProcessEnv,
  cacheSeconds: number,
  now: number,
): readonly Remaining[] {
  const after = (seconds: number) => new Date(now + seconds * 1000).toISOString()
  const variables = withoutEmpty(environment)
  const cached: Remaining = { what: 'cached_values', until: after(cacheSeconds), variable: 'MCP_CACHE_SECONDS' }
  return [
    ...(cacheSeconds === 0 ? [] : [cached]),
    { what: 'open_calls' },
    ...TIMES.map(({ what, variable, schema }) => {
      const byDefault = schema.parse(undefined)
      const seconds = wholeNumber.optional().pipe(schema).catch(byDefault).parse(variables[variable])
      return { what, until: after(seconds), variable }
    }),
  ]
}
