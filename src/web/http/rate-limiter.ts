import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { BoundedMap } from '../../core/host/bounded-map.ts'
import { addressGroups } from '../../core/network/rate-limit-networks.ts'
import type { UseLimit } from '../../core/ports/pending-store.ts'
import type { CountUse } from '../../core/requests/shared-limits.ts'

/** Limits the requests of one kind per minute. */
export interface RateLimit {
  /** Counts one request. Resolves to 0 if it is within the limit, else to the seconds to wait. */
  take(key: string): Promise<number>
  /** Whether the latest requests of this key were over the limit, as far as this process remembers. */
  isOver(key: string): boolean
}

/** What is limited, and how the replicas count it together. Without `countUse`, this process counts for itself. */
export interface LimitedUse {
  readonly kind: Parameters<CountUse>[0]
  readonly countUse: CountUse | undefined
}

/**
 * Counts in a fixed window of one minute. If the limiter fails, its error reaches the caller, and the request is refused.
 */
export function rateLimit(perMinute: number, use: LimitedUse): RateLimit {
  const limiter = new RateLimiterMemory({ points: perMinute, duration: 60 })
  return remembering(async (key) => (await shared(use, [{ key, most: perMinute }])) ?? consumed(limiter, key))
}

/** Keys that were over their limit and are remembered. */
const MOST_OVER = 10_000

function remembering(take: RateLimit['take']): RateLimit {
  const until = new BoundedMap<string, number>(MOST_OVER)
  return {
    async take(key) {
      const seconds = await take(key)
      if (seconds > 0) until.set(key, performance.now() + seconds * 1000)
      else until.delete(key)
      return seconds
    },
    isOver: (key) => performance.now() < (until.get(key) ?? 0),
  }
}

/**
 * Limits by address. What one network has used counts for every address in it. An address whose network is over its limit is not stored,
 * because memory would grow with each of them.
 */
export function addressLimit(perMinute: number, use: LimitedUse): RateLimit {
  const limiters = new Map<number, RateLimiterMemory>()
  const limiterOf = (share: number): RateLimiterMemory => {
    const known = limiters.get(share)
    if (known) return known
    const limiter = new RateLimiterMemory({ points: perMinute * share, duration: 60 })
    limiters.set(share, limiter)
    return limiter
  }
  return remembering(async (address) => {
    const groups = addressGroups(address)
    const together = await shared(
      use,
      groups.map(({ key, share }) => ({ key, most: perMinute * share })),
    )
    if (together !== undefined) return together
    const [own, ...networks] = groups.map(({ key, share }) => ({ key, limiter: limiterOf(share) }))
    for (const { key, limiter } of networks) {
      const state = await limiter.get(key)
      if (state && state.consumedPoints >= limiter.points) return secondsUntil(state)
    }
    for (const { key, limiter } of own ? [own, ...networks] : []) {
      const wait = await consumed(limiter, key)
      if (wait > 0) return wait
    }
    return 0
  })
}

/** Returns the seconds to wait that all replicas agree on. Returns undefined if this process must count. */
async function shared({ kind, countUse }: LimitedUse, limits: readonly UseLimit[]): Promise<number | undefined> {
  const [own, ...wider] = limits
  const milliseconds = own && (await countUse?.(kind, [own, ...wider]))
  return milliseconds === undefined ? undefined : Math.ceil(milliseconds / 1000)
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
