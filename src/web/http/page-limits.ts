import type { CountUse } from '../../core/requests/shared-limits.ts'
import { addressLimit, type RateLimit, rateLimit } from './rate-limiter.ts'

/**
 * Limits of the pages. Users behind one address share the limits counted by address. IPv6 is counted by /64; a /56 has four times and a /48
 * sixteen times as much in total.
 */
export interface RateLimitOptions {
  /** Pages and callbacks for one address. Default 300, 1 to 1000000. */
  readonly pagesPerMinute?: number | undefined
  /** Login starts for one address. Default 60, 1 to 1000000. */
  readonly loginsPerMinute?: number | undefined
  /** Submits of one owner, and buttons that they press on their own page. Default 10, 1 to 1000000. */
  readonly submitsPerMinute?: number | undefined
}

/** The limits of the pages. They protect the identity provider, `verify` and the stores; handles cannot be guessed anyway. */
export interface RateLimits {
  /** Pages and callbacks, by address. */
  readonly pages: RateLimit
  /** Login starts, by address. */
  readonly logins: RateLimit
  /** Submits and buttons of the account page, by owner. */
  readonly submits: RateLimit
}

/** @param countUse counts over all replicas. Without it, this process counts for itself. */
export function pageLimits(
  { pagesPerMinute, loginsPerMinute, submitsPerMinute }: RateLimitOptions = {},
  countUse?: CountUse,
): RateLimits {
  return {
    pages: addressLimit(pagesPerMinute ?? 300, { kind: 'pages', countUse }),
    logins: addressLimit(loginsPerMinute ?? 60, { kind: 'logins', countUse }),
    submits: rateLimit(submitsPerMinute ?? 10, { kind: 'submits', countUse }),
  }
}
