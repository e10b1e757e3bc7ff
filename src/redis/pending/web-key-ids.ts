import type { RedisConnection } from '../connection/redis-connection.ts'
import { redisScript } from '../connection/redis-script.ts'

/** Milliseconds for which a process counts as using its web key. It notes the key again each minute. */
const NOTED_FOR = 3 * 60_000
/** Anyone who may write to Redis can add ids without end. */
const MOST_READ = 20
/** Of `keyId`. */
const ID = /^[0-9a-f]{4}-[0-9a-f]{4}$/
const ID_LENGTH = 9

/**
 * Notes the id of a web key, and answers the noted ids. `KEYS[1]`: ids by the time until which they count. `ARGV`: 2 id or empty,
 * 3 milliseconds, 4 most ids, 5 length of an id. What no replica can have written is removed, and not answered. A huge member ends the
 * reading, because Redis serves nobody else meanwhile.
 */
const NOTE = redisScript(`
local latest = text(now + ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now))
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. latest, '+inf')
if ARGV[2] ~= '' then
  redis.call('ZADD', KEYS[1], latest, ARGV[2])
  keep(KEYS[1], now + ARGV[3])
end
local found = {}
for _ = 1, tonumber(ARGV[4]) do
  local id = redis.call('ZRANGE', KEYS[1], #found, #found)[1]
  if not id then break end
  if #id == tonumber(ARGV[5]) then
    found[#found + 1] = id
  else
    redis.call('ZREM', KEYS[1], id)
    if #id > 1000 then break end
  end
end
return found
`)

/** Notes and returns ids, as `PendingStore.webKeyIds` specifies. */
export async function webKeyIds(redis: Pick<RedisConnection, 'run' | 'prefix'>, own = ''): Promise<readonly string[]> {
  const given = [own, NOTED_FOR, MOST_READ, ID_LENGTH].map(String)
  const ids = await redis.run(NOTE, { keys: [`${redis.prefix}web-keys`], arguments: given })
  return ids.filter((id) => ID.test(id))
}
