import { z } from 'zod'
import { type OptionSchemas, parseOptions } from '../core/model/options.ts'
import type { ChangeFeed } from '../core/ports/change-feed.ts'
import { connectionOfStore, connectionOption, type RedisConnection } from './connection/redis-connection.ts'
import { channelName } from './connection/subscriptions.ts'
import { PUBLISH } from './pending/wake-scripts.ts'

export interface RedisChangeFeedOptions {
  /** The connection, which other stores may share. */
  readonly redis: RedisConnection
}

const optionsSchema = z.strictObject({
  redis: connectionOption(),
} satisfies OptionSchemas<RedisChangeFeedOptions>)

/**
 * Tells all replicas when one of them saves, rejects or revokes a credential or offboards a user, so that no cache keeps the old value.
 * While Redis is away, a change takes effect elsewhere within `cacheSeconds`; afterwards every cache is dropped.
 *
 * @throws `configuration_invalid`
 * @example
 * ```ts
 * import { redisChangeFeed, redisConnection } from 'mcp-credential-vault/redis'
 *
 * const redis = redisConnection({ url: 'rediss://redis.example.com:6379', passwordFile: '/run/secrets/redis' })
 * const changeFeed = redisChangeFeed({ redis })
 * ```
 */
export function redisChangeFeed(options: RedisChangeFeedOptions): ChangeFeed {
  const { redis: connection } = parseOptions(optionsSchema, options, 'redisChangeFeed')
  const redis = connectionOfStore(connection)
  const stops: (() => void)[] = []
  return {
    name: 'redis',
    open: () => redis.open(),

    async publish(message) {
      const channel = channelName(redis.prefix, 'changes')
      await redis.run(PUBLISH, { keys: [`${redis.prefix}{changes}`], arguments: [channel, message] })
    },

    async listen(onMessage, onGap) {
      stops.push(await redis.listen('changes', onMessage, onGap))
    },

    async close() {
      for (const stop of stops.splice(0)) stop()
      await redis.release()
    },
  }
}
