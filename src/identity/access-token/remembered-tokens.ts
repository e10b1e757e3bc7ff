import { createHash } from 'node:crypto'
import { BoundedMap } from '../../core/host/bounded-map.ts'
import type { Principal, VerifyToken } from '../../core/ports/identity.ts'

interface RememberedTokensOptions {
  /** Milliseconds that a verified token is cached, never beyond its expiry. 0 always verifies. */
  readonly milliseconds: number
  readonly maxTokens?: number
}

interface Entry {
  readonly principal: Principal
  readonly until: number
}

/**
 * Caches verified tokens. A client sends the same token for minutes, and checking its signature costs more than all other checks of a
 * request. The cache is keyed by SHA-256, so that memory holds no tokens. Refusals are never cached.
 */
export function rememberTokens(
  verify: VerifyToken,
  { milliseconds, maxTokens = 10_000 }: RememberedTokensOptions,
): VerifyToken {
  if (milliseconds === 0) return verify
  const entries = new BoundedMap<string, Entry>(maxTokens)
  return async (token) => {
    const name = createHash('sha256').update(token).digest('base64')
    const now = Date.now()
    const known = entries.get(name)
    // A clock that was set back would extend the life of entries.
    if (known && now < known.until && now >= known.until - milliseconds) return known.principal
    entries.delete(name)
    const principal = await verify(token)
    const until = Math.min(now + milliseconds, (principal.expiresAt ?? Number.POSITIVE_INFINITY) * 1000)
    entries.set(name, { principal, until })
    return principal
  }
}
