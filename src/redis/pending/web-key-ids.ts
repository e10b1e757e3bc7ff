import type { RedisConnection } from '../connection/redis-connection.ts'
import { redisScript } from '../connection/redis-script.ts'

/** Milliseconds for which a process counts as using its web key. It notes the key again each minute. */
const NOTED_FOR = 3 * 60_000
/** Whoever writes to Redis may add any number. */
const MOST_READ = 20

/**
 * Notes the id of a web key, and answers the noted ids. `KEYS[1]`: ids by the time until which they count. `ARGV`: 2 id or empty,
 * 3 milliseconds, 4 most ids.
 */
const NOTE = redisScript(`
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now))
if ARGV[2] ~= '' then
  redis.call('ZADD', KEYS[1], text(now + ARGV[3]), ARGV[2])
  keep(KEYS[1], now + ARGV[3])
end
return redis.call('ZRANGE', KEYS[1], 0, ARGV[4] - 1)
`)

/** Notes and returns ids, as `PendingStore.webKeyIds` specifies. */
export function webKeyIds(redis: Pick<RedisConnection, 'run' | 'prefix'>, own = ''): Promise<readonly string[]> {
  const given = [own, NOTED_FOR, MOST_READ].map(String)
  return redis.run(NOTE, { keys: [`${redis.prefix}web-keys`], arguments: given })
}
