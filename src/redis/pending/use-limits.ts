import type { UseLimit } from '../../core/ports/pending-store.ts'
import type { RedisConnection } from '../connection/redis-connection.ts'
import { redisScript } from '../connection/redis-script.ts'

const MINUTE = 60_000

/**
 * Counts one use. `KEYS`: the counter of the limit, then those of wider networks, all with the hash tag of the widest. `ARGV`: 2 window in
 * milliseconds, 3 and more: the most uses of each. Answers the milliseconds to wait. A counter that is over its limit does not grow, and
 * where a network is over its limit no counter is added, so that memory does not grow with each of its addresses.
 */
const COUNT = redisScript(`
local function used(at) return tonumber(redis.call('GET', KEYS[at]) or '0') >= tonumber(ARGV[at + 2]) end
local function wait(at) return { text(math.max(1, redis.call('PTTL', KEYS[at]))) } end
for at = 2, #KEYS do
  if used(at) then return wait(at) end
end
for at = 1, #KEYS do
  if used(at) then return wait(at) end
  if redis.call('INCR', KEYS[at]) == 1 then redis.call('PEXPIRE', KEYS[at], ARGV[2]) end
end
return { '0' }
`)

/** Counts one use against each limit, as `PendingStore.countUse` specifies. */
export async function countUse(
  redis: Pick<RedisConnection, 'run' | 'prefix'>,
  limits: readonly [UseLimit, ...UseLimit[]],
  milliseconds = MINUTE,
): Promise<number> {
  const widest = limits.at(-1) ?? limits[0]
  const keyOf = ({ key }: UseLimit) => `${redis.prefix}{${widest.key}}:l:${key}`
  const [own, ...wider] = limits
  const most = limits.map((limit) => String(limit.most))
  const [wait] = await redis.run(COUNT, {
    keys: [keyOf(own), ...wider.map(keyOf)],
    arguments: [String(milliseconds), ...most],
  })
  return Number(wait)
}
