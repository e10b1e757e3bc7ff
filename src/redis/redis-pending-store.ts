import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { type OptionSchemas, parseOptions } from '../core/model/options.ts'
import type { PendingStore } from '../core/ports/pending-store.ts'
import { connectionOfStore, connectionOption, type RedisConnection } from './connection/redis-connection.ts'
import { channelName } from './connection/subscriptions.ts'
import { createEntrySteps } from './pending/entry-steps.ts'
import { countUse } from './pending/use-limits.ts'
import { createWakes } from './pending/wakes.ts'
import { createWebKeysInUse } from './pending/web-keys-in-use.ts'

export interface RedisPendingStoreOptions {
  /** The connection, which other stores may share. */
  readonly redis: RedisConnection
  /**
   * Most requests held at once, 1 to 1000000. New requests replace spent ones. Default 10000. Not enforced in a Redis Cluster, where no
   * server knows all requests; `maxOpenPerOwner` holds there too.
   */
  readonly maxEntries?: number
  /** Most open requests of one owner, 1 to 1000. Default 20. */
  readonly maxOpenPerOwner?: number
}

const optionsSchema = z.strictObject({
  redis: connectionOption(),
  maxEntries: z.int().min(1).max(1_000_000).default(10_000),
  maxOpenPerOwner: z.int().min(1).max(1000).default(20),
} satisfies OptionSchemas<RedisPendingStoreOptions>)

/**
 * Keeps pending requests in Redis, for all replicas with the same prefix and web key. Records are sealed and handles hashed before
 * Redis sees them, so a dump shows no subject, link or secret. The connection closes with the last store that uses it.
 *
 * @throws `configuration_invalid`
 * @example
 * ```ts
 * import { redisConnection, redisPendingStore } from 'mcp-credential-vault/redis'
 *
 * const redis = redisConnection({ url: 'rediss://redis.example.com:6379', passwordFile: '/run/secrets/redis' })
 * const pendingStore = redisPendingStore({ redis, maxOpenPerOwner: 5 })
 * ```
 */
export function redisPendingStore(options: RedisPendingStoreOptions): PendingStore {
  const { redis: connection, maxEntries, maxOpenPerOwner } = parseOptions(optionsSchema, options, 'redisPendingStore')
  const redis = connectionOfStore(connection)
  const steps = createEntrySteps(redis, { maxEntries, maxOpenPerOwner })
  const wakes = createWakes(redis, steps.rootOf)
  const channel = channelName(redis.prefix, 'wake')
  const newId = () => randomBytes(12).toString('base64url')

  return {
    name: 'redis',
    shared: true,
    open: () => redis.open(),
    openOrReuse: steps.insert,
    get: steps.get,

    claim: (key, claimId, until) => steps.runStep('claim', key, claimId, until),

    async unclaim(key, claimId) {
      await steps.runStep('unclaim', key, claimId)
    },

    close: (key, outcome, topics = []) => steps.runStep('close', key, outcome, newId(), channel, ...topics),

    closeAll: steps.closeAll,

    async leave(key, waiterId) {
      await steps.runStep('leave', key, waiterId)
    },

    closeUnlessAwaited: (key, outcome, topics = []) =>
      steps.runStep('closeUnlessAwaited', key, outcome, newId(), channel, ...topics),

    countUse: (limits, milliseconds) => countUse(redis, limits, milliseconds),
    listen: wakes.listen,
    wake: wakes.wake,
    ...createWebKeysInUse(redis),

    async shutdown() {
      steps.close()
      wakes.close()
      await redis.release()
    },
  }
}
