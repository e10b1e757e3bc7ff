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

/** The limits of the pages. Handles cannot be guessed; these protect the identity provider, `verify` and the stores. */
export interface RateLimits {
  /** Pages and callbacks, by address. */
  readonly pages: RateLimit
  /** Login starts, by address. */
  readonly logins: RateLimit
  /** Submits, by owner. */
  readonly submits: RateLimit
}

export function pageLimits(): RateLimits {
  return { pages: rateLimit(60), logins: rateLimit(10), submits: rateLimit(10) }
}
