import { createHash } from 'node:crypto'
import type { Principal, VerifyToken } from '../../core/ports/identity.ts'

interface RememberedTokensOptions {
  /** How long a verified token is believed without being verified again, in milliseconds; never beyond its own end. 0 always verifies. */
  readonly milliseconds: number
  readonly maxTokens?: number
}

interface Entry {
  readonly principal: Principal
  readonly until: number
}

/**
 * Verifies each token once in a while instead of at each request: a client sends the same one for minutes, and checking a signature costs
 * more than the rest of a request's admission. Kept by their SHA-256, so that memory holds no tokens. Refusals are never kept.
 */
export function rememberTokens(
  verify: VerifyToken,
  { milliseconds, maxTokens = 10_000 }: RememberedTokensOptions,
): VerifyToken {
  if (milliseconds === 0) return verify
  const entries = new Map<string, Entry>()
  return async (token) => {
    const name = createHash('sha256').update(token).digest('base64')
    const now = Date.now()
    const known = entries.get(name)
    // A clock that was set back would make entries last.
    if (known && now < known.until && now >= known.until - milliseconds) return known.principal
    entries.delete(name)
    const principal = await verify(token)
    const until = Math.min(now + milliseconds, (principal.expiresAt ?? Number.POSITIVE_INFINITY) * 1000)
    const [oldest] = entries.keys()
    if (entries.size >= maxTokens && oldest !== undefined) entries.delete(oldest)
    entries.set(name, { principal, until })
    return principal
  }
}
