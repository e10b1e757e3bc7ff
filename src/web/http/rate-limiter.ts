import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { addressGroups } from '../../core/network/rate-limit-networks.ts'

/** Limits the requests of one kind per minute. */
export interface RateLimit {
  /** Counts one request. Resolves to 0 if it is within the limit, else to the seconds to wait. */
  take(key: string): Promise<number>
}

/**
 * Counts in a fixed window of one minute, in this process. If the limiter fails, its error reaches the caller, and the request is refused.
 */
export function rateLimit(perMinute: number): RateLimit {
  const limiter = new RateLimiterMemory({ points: perMinute, duration: 60 })
  return { take: (key) => consumed(limiter, key) }
}

/**
 * Limits by address. What one network has used counts for every address in it. An address whose network is over its limit is not stored,
 * because memory would grow with each of them.
 */
export function addressLimit(perMinute: number): RateLimit {
  const limiters = new Map<number, RateLimiterMemory>()
  const limiterOf = (share: number): RateLimiterMemory => {
    const known = limiters.get(share)
    if (known) return known
    const limiter = new RateLimiterMemory({ points: perMinute * share, duration: 60 })
    limiters.set(share, limiter)
    return limiter
  }
  return {
    async take(address) {
      const [own, ...networks] = addressGroups(address).map(({ key, share }) => ({ key, limiter: limiterOf(share) }))
      for (const { key, limiter } of networks) {
        const state = await limiter.get(key)
        if (state && state.consumedPoints >= limiter.points) return secondsUntil(state)
      }
      for (const { key, limiter } of own ? [own, ...networks] : []) {
        const wait = await consumed(limiter, key)
        if (wait > 0) return wait
      }
      return 0
    },
  }
}

async function consumed(limiter: RateLimiterMemory, key: string): Promise<number> {
  try {
    await limiter.consume(key)
    return 0
  } catch (refusal) {
    if (refusal instanceof RateLimiterRes) return secondsUntil(refusal)
    throw refusal
  }
}

function secondsUntil({ msBeforeNext }: RateLimiterRes): number {
  return Math.max(1, Math.ceil(msBeforeNext / 1000))
}
