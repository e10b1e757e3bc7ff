import { createHash } from 'node:crypto'
import { BoundedMap } from '../../core/host/bounded-map.ts'
import type { Principal, VerifyToken } from '../../core/ports/identity.ts'

interface RememberedTokensOptions {
  /** Milliseconds that a verified token is cached, never beyond its expiry. 0 always verifies. */
  readonly milliseconds: number
  readonly maxTokens?: number
  /**
   * Returns what tokens are verified with at the moment: one that was verified with something else is verified anew. Undefined: the next one
   * is not cached. Default: always the same.
   */
  readonly verifiedWith?: () => object | undefined
}

interface Entry {
  readonly principal: Principal
  readonly until: number
  readonly verifiedWith: object
}

const ALWAYS = {}

/**
 * Caches verified tokens. A client sends the same token for minutes, and checking its signature costs more than all other checks of a
 * request. The cache is keyed by SHA-256, so that memory holds no tokens. Refusals are never cached.
 */
export function rememberTokens(
  verify: VerifyToken,
  { milliseconds, maxTokens = 10_000, verifiedWith = () => ALWAYS }: RememberedTokensOptions,
): VerifyToken {
  if (milliseconds === 0) return verify
  const entries = new BoundedMap<string, Entry>(maxTokens)
  return async (token) => {
    const name = createHash('sha256').update(token).digest('base64')
    const now = Date.now()
    const known = entries.get(name)
    // Before the verification, which may take long enough for a new key set to come.
    const current = verifiedWith()
    // A clock that was set back would extend the life of entries.
    const isInTime = known !== undefined && now < known.until && now >= known.until - milliseconds
    if (isInTime && known.verifiedWith === current) return known.principal
    entries.delete(name)
    const principal = frozen(await verify(token))
    if (!current) return principal
    const until = Math.min(now + milliseconds, (principal.expiresAt ?? Number.POSITIVE_INFINITY) * 1000)
    entries.set(name, { principal, until, verifiedWith: current })
    return principal
  }
}

/** The same object answers each request of the next minute, so that no caller may change it. */
function frozen(principal: Principal): Principal {
  return Object.freeze({ ...principal, scopes: Object.freeze([...principal.scopes]) })
}
