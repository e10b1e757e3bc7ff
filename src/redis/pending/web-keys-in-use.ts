import { randomBytes } from 'node:crypto'
import type { PendingStore, WebKeyInUse } from '../../core/ports/pending-store.ts'
import type { RedisConnection } from '../connection/redis-connection.ts'
import { redisScript } from '../connection/redis-script.ts'

/** Milliseconds for which a process counts as using its web key. It says so again each minute. */
const COUNTS_FOR = 3 * 60_000
/** Anyone who may write to Redis can add uses without end. */
const MOST_READ = 200
/** A use in Redis: the result of `keyId`, and a random id of the process, so that one that ends removes its own use alone. */
const USE = /^([0-9a-f]{4}-[0-9a-f]{4}):[0-9a-f]{8}$/
/** Members that no replica can have written, and that one reading removes at most. */
const MOST_REMOVED = 2_000

/**
 * Adds the use of a process, and answers the uses that count, each with the milliseconds since it was added last. `KEYS[1]`: uses by the
 * time until which they count. `ARGV`: 2 use or empty, 3 milliseconds, 4 most uses, 5 most to remove. What no replica can have written
 * is removed, and not answered. A huge member ends the reading, because Redis serves nobody else meanwhile.
 */
const ADD_AND_READ = redisScript(`
local latest = text(now + ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now))
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. latest, '+inf')
if ARGV[2] ~= '' then
  redis.call('ZADD', KEYS[1], latest, ARGV[2])
  keep(KEYS[1], now + ARGV[3])
end
-- As USE.
local four = string.rep('[0-9a-f]', 4)
local pattern = '^' .. four .. '%-' .. four .. ':' .. four .. four .. '$'
local found, removed = {}, 0
while #found < 2 * tonumber(ARGV[4]) and removed < tonumber(ARGV[5]) do
  local at = #found / 2
  local use = redis.call('ZRANGE', KEYS[1], at, at)[1]
  if not use then break end
  if string.find(use, pattern) then
    found[#found + 1] = use
    found[#found + 1] = text(now + ARGV[3] - redis.call('ZSCORE', KEYS[1], use))
  else
    redis.call('ZREM', KEYS[1], use)
    removed = removed + 1
    if #use > 1000 then break end
  end
end
return found
`)

const REMOVE = redisScript(`
redis.call('ZREM', KEYS[1], ARGV[2])
return {}
`)

/** Lets one process say which web key it uses, and read which ones are in use. */
export function createWebKeysInUse(
  redis: Pick<RedisConnection, 'run' | 'prefix'>,
): Required<Pick<PendingStore, 'webKeysInUse' | 'endWebKeyUse'>> {
  const keys = [`${redis.prefix}web-keys`] as const
  const processId = randomBytes(4).toString('hex')
  let added: string | undefined

  return {
    async webKeysInUse(own) {
      const use = own === undefined ? '' : `${own}:${processId}`
      if (use !== '') added = use
      const given = [use, COUNTS_FOR, MOST_READ, MOST_REMOVED].map(String)
      return keysIn(await redis.run(ADD_AND_READ, { keys, arguments: given }))
    },

    async endWebKeyUse() {
      if (added === undefined) return
      await redis.run(REMOVE, { keys, arguments: [added] })
      added = undefined
    },
  }
}

/** Returns each key with its newest use. */
function keysIn(found: readonly string[]): readonly WebKeyInUse[] {
  const youngest = new Map<string, number>()
  for (let at = 0; at < found.length; at += 2) {
    const id = USE.exec(found[at] ?? '')?.[1]
    const age = Number(found[at + 1])
    if (id !== undefined && Number.isFinite(age)) youngest.set(id, Math.min(age, youngest.get(id) ?? age))
  }
  const now = Date.now()
  return [...youngest].map(([id, age]) => ({
    id,
    seenAt: new Date(now - age),
    countsUntil: new Date(now - age + COUNTS_FOR),
  }))
}
