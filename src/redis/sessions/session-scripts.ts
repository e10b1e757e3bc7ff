import { redisScript } from '../connection/redis-script.ts'

/**
 * The steps of browser sessions. `KEYS[1]` is the root of all keys, `{prefix}{sessions}`, so that they are on one server and are lost
 * together or not at all:
 *
 * - `:state` when this memory of endings began, and how many endings it has seen. It never expires
 * - `:ended` ended sessions, by the time until which they matter
 * - `:owners` and `:owners-until` the not-before time of owners, and until when it matters
 * - `:logins` used logins, by the time until which they matter
 *
 * `ARGV[2]` is the highest number of endings that the caller has seen. A server that has seen fewer was restored from an older copy or failed
 * over to a replica that was behind: what it has forgotten is unknown, so its memory begins now, and earlier sessions are refused.
 */
const SESSIONS = `
local root, seen = KEYS[1], tonumber(ARGV[2])
local state, ended, owners, ownersUntil, logins = root .. ':state', root .. ':ended', root .. ':owners', root .. ':owners-until', root .. ':logins'
local memoryBegan = tonumber(redis.call('HGET', state, 'born') or '-1')
local count = tonumber(redis.call('HGET', state, 'count') or '0')
if memoryBegan < 0 or count < seen then
  memoryBegan, count = now, math.max(count, seen)
  redis.call('HSET', state, 'born', text(memoryBegan), 'count', text(count))
end

local function answer(is) return { is and 'yes' or 'no', text(count) } end

local function forget()
  redis.call('ZREMRANGEBYSCORE', ended, '-inf', text(now))
  for _, owner in ipairs(redis.call('ZRANGEBYSCORE', ownersUntil, '-inf', text(now))) do redis.call('HDEL', owners, owner) end
  redis.call('ZREMRANGEBYSCORE', ownersUntil, '-inf', text(now))
end

-- Forgetting one ending would restore a session. With too many, all sessions end instead.
local function makeRoom(most)
  forget()
  if redis.call('ZCARD', ended) + redis.call('HLEN', owners) < tonumber(most) then return end
  memoryBegan = now
  -- A not-before time in the future must be kept even then.
  for _, notBefore in ipairs(redis.call('HVALS', owners)) do memoryBegan = math.max(memoryBegan, tonumber(notBefore)) end
  redis.call('HSET', state, 'born', text(memoryBegan))
  redis.call('DEL', ended, owners, ownersUntil)
end

local function counted()
  count = count + 1
  redis.call('HSET', state, 'count', text(count))
  return answer(true)
end

local function later(key, member, at)
  local known = tonumber(redis.call('ZSCORE', key, member) or '0')
  redis.call('ZADD', key, text(math.max(at, known)), member)
  keep(key, at)
end
`

/** Lets the memory of endings begin, if it has not begun. */
export const BEGIN = redisScript(SESSIONS, 'return answer(true)')

/** `ARGV`: 3 session id, 4 until, 5 most endings. */
export const END = redisScript(
  SESSIONS,
  `
makeRoom(ARGV[5])
later(ended, ARGV[3], tonumber(ARGV[4]))
return counted()
`,
)

/** `ARGV`: 3 owner, 4 not before, 5 until, 6 most endings. */
export const END_ALL = redisScript(
  SESSIONS,
  `
makeRoom(ARGV[6])
local known = tonumber(redis.call('HGET', owners, ARGV[3]) or '0')
redis.call('HSET', owners, ARGV[3], text(math.max(known, tonumber(ARGV[4]))))
later(ownersUntil, ARGV[3], tonumber(ARGV[5]))
keep(owners, tonumber(ARGV[5]))
return counted()
`,
)

/** `ARGV`: 3 session id, 4 owner, 5 when it began. */
export const IS_ENDED = redisScript(
  SESSIONS,
  `
local startedAt = tonumber(ARGV[5])
if startedAt < memoryBegan then return answer(true) end
if now < tonumber(redis.call('ZSCORE', ended, ARGV[3]) or '0') then return answer(true) end
if now >= tonumber(redis.call('ZSCORE', ownersUntil, ARGV[4]) or '0') then return answer(false) end
return answer(startedAt < tonumber(redis.call('HGET', owners, ARGV[4]) or '0'))
`,
)

/** `ARGV`: 3 login id, 4 until, 5 most logins. The identity provider takes a code once, so the oldest login may be forgotten. */
export const USE_LOGIN = redisScript(
  SESSIONS,
  `
redis.call('ZREMRANGEBYSCORE', logins, '-inf', text(now))
local excess = redis.call('ZCARD', logins) - tonumber(ARGV[5])
if excess >= 0 then redis.call('ZREMRANGEBYRANK', logins, 0, excess) end
later(logins, ARGV[3], tonumber(ARGV[4]))
return answer(true)
`,
)

/** `ARGV`: 3 login id, 4 when it began. */
export const IS_LOGIN_USED = redisScript(
  SESSIONS,
  `
if tonumber(ARGV[4]) < memoryBegan then return answer(true) end
return answer(now < tonumber(redis.call('ZSCORE', logins, ARGV[3]) or '0'))
`,
)
