import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'

/** How many requests of one kind are answered per minute. */
export interface RateLimit {
  /** Counts one. Resolves 0 when it is within the limit, else the seconds after which to try again. */
  take(key: string): Promise<number>
}

/** Fixed window of one minute, in this process. A failing limiter refuses: its error reaches the caller. */
export function rateLimit(perMinute: number): RateLimit {
  const limiter = new RateLimiterMemory({ points: perMinute, duration: 60 })
  return {
    async take(key) {
      try {
        await limiter.consume(key)
        return 0
      } catch (refusal) {
        if (refusal instanceof RateLimiterRes) return Math.max(1, Math.ceil(refusal.msBeforeNext / 1000))
        throw refusal
      }
    },
  }
}

/** How often pages may be asked for. A company behind one address shares what is counted by address. */
export interface RateLimitOptions {
  /** Pages and callbacks for one address. Default 300, 1 to 1000000. */
  readonly pagesPerMinute?: number
  /** Login starts for one address. Default 60, 1 to 1000000. */
  readonly loginsPerMinute?: number
  /** Submits of one owner. Default 10, 1 to 1000000. */
  readonly submitsPerMinute?: number
}

/** The limits of the pages. Handles cannot be guessed; these protect the identity provider, `verify` and the stores. */
export interface RateLimits {
  /** Pages and callbacks, by address. */
  readonly pages: RateLimit
  /** Login starts, by address. */
  readonly logins: RateLimit
  /** Submits, by owner. */
  readonly submits: RateLimit
}

export function pageLimits({ pagesPerMinute, loginsPerMinute, submitsPerMinute }: RateLimitOptions = {}): RateLimits {
  return {
    pages: rateLimit(pagesPerMinute ?? 300),
    logins: rateLimit(loginsPerMinute ?? 60),
    submits: rateLimit(submitsPerMinute ?? 10),
  }
}
